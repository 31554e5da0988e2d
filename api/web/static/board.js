// Cards are moved by dragging, by the menu on each card, or walked by the arrow keys.
"use strict";

const END = "end:";
const coarse = window.matchMedia("(pointer: coarse)");
let carried = null;

function board() {
  return document.getElementById("board");
}

// Won and lost ask for something first, so the menu stays where it is.
function ask(card, end) {
  const select = card.querySelector("select");
  select.value = [...select.options].find((option) => option.defaultSelected).value;
  window.htmx.ajax("GET", `${card.dataset.close}?as=${end}`, {
    source: card.querySelector("form"),
    target: "#sheetlet",
    swap: "innerHTML",
  });
}

document.addEventListener("change", (event) => {
  const select = event.target.closest(".move select");
  if (!select || !select.value.startsWith(END)) return;
  event.stopImmediatePropagation();
  ask(select.closest(".deal"), select.value.slice(END.length));
}, true);

function home() {
  if (!carried) return;
  carried.from.insertBefore(carried.card, carried.next);
  carried = null;
}

function dropped(event) {
  document.body.classList.remove("carrying");
  if (event.from === event.to) return;
  const card = event.item;
  if (event.to.dataset.end) {
    home();
    ask(card, event.to.dataset.end);
    return;
  }
  // A drop says the same as the menu, so it goes the same way.
  const select = card.querySelector("select");
  select.value = `stage:${event.to.dataset.stage}`;
  select.dispatchEvent(new Event("change", { bubbles: true }));
}

function arm() {
  const movable = document.querySelector(".can-move");
  if (!movable || coarse.matches) return;
  for (const list of document.querySelectorAll(".cards, .ends ul")) {
    if (window.Sortable.get(list)) continue;
    window.Sortable.create(list, {
      group: { name: "deals", pull: !list.dataset.end },
      sort: false,
      draggable: ".deal",
      filter: "select, a",
      preventOnFilter: false,
      animation: 120,
      onStart: (event) => {
        carried = { card: event.item, from: event.from, next: event.item.nextElementSibling };
        document.body.classList.add("carrying");
      },
      onEnd: dropped,
    });
  }
}

function step(from, key) {
  const columns = [...board().querySelectorAll(".cards")];
  const links = (list) => [...list.querySelectorAll("h3 a")];
  const list = from.closest(".cards");
  const row = links(list).indexOf(from);
  if (key === "ArrowDown") return links(list)[row + 1];
  if (key === "ArrowUp") return links(list)[row - 1];
  const way = key === "ArrowRight" ? 1 : -1;
  for (let n = columns.indexOf(list) + way; columns[n]; n += way) {
    const found = links(columns[n]);
    if (found.length) return found[Math.min(row, found.length - 1)];
  }
  return undefined;
}

document.addEventListener("keydown", (event) => {
  const here = event.target.closest(".deal h3 a");
  if (!here || !/^Arrow(Down|Up|Left|Right)$/.test(event.key)) return;
  const there = step(here, event.key);
  if (!there) return;
  event.preventDefault();
  there.focus();
});

document.addEventListener("htmx:after:swap", (event) => {
  carried = null;
  if (event.detail.ctx.target === board()) arm();
});
document.addEventListener("htmx:error", home);
document.addEventListener("DOMContentLoaded", arm);
