// What every page does beyond links and forms: the freshness dot, messages, dialogs.
"use strict";

const STAY_MILLISECONDS = 8000;
const fresh = document.getElementById("fresh");
const sheetlet = document.getElementById("sheetlet");
const toasts = document.getElementById("toasts");
let newest = 0;
let leaving = 0;

function show(state, words) {
  fresh.dataset.state = state;
  fresh.replaceChildren(words);
}

// The part of the page that facts belong to: where it stands, and which records it shows.
function shown() {
  return document.querySelector("[data-position]");
}

function link(words) {
  const refresh = document.createElement("a");
  refresh.href = window.location.href;
  refresh.textContent = words;
  return refresh;
}

function tell() {
  const part = shown();
  if (part && newest > Number(part.dataset.position)) show("behind", link("new facts, show"));
  else show("live", "live");
}

function concerns(part, news) {
  const nouns = (part.dataset.nouns || "").split(" ");
  const ids = [...(news.streams || []), ...(news.subjects || [])];
  return nouns.includes((news.name || "").split(".")[0]) || ids.includes(part.dataset.record);
}

if (fresh) {
  fresh.addEventListener("htmx:sse:after:connection", tell);
  fresh.addEventListener("htmx:sse:error", () => show("lost", "reconnecting"));
  fresh.addEventListener("htmx:sse:before:message", (event) => {
    const part = shown();
    const news = JSON.parse(event.detail.message.data || "{}");
    if (part && concerns(part, news)) newest = Math.max(newest, news.position);
    tell();
  });
}

// Messages go away by themselves, unless somebody is reading them.
function letGo() {
  window.clearTimeout(leaving);
  leaving = window.setTimeout(() => {
    if (toasts.matches(":hover") || toasts.contains(document.activeElement)) letGo();
    else toasts.replaceChildren();
  }, STAY_MILLISECONDS);
}

document.addEventListener("click", (event) => {
  const dismissed = event.target.closest("[data-dismiss]");
  if (dismissed) dismissed.parentElement.remove();
  if (event.target.closest("[data-close]") && sheetlet.open) {
    event.preventDefault();
    sheetlet.close();
  }
});

document.addEventListener("htmx:after:request", (event) => {
  const { response, sourceElement } = event.detail.ctx;
  const form = sourceElement.closest("form[data-resets]");
  if (form && response.status < 400) {
    form.reset();
    form.closest("details").open = false;
  }
});

document.addEventListener("htmx:after:swap", (event) => {
  const { ctx } = event.detail;
  if (toasts.childElementCount) letGo();
  if (ctx.target === sheetlet) {
    if (!sheetlet.open) sheetlet.showModal();
  } else if (sheetlet.open && sheetlet.contains(ctx.sourceElement)) {
    sheetlet.close();
  }
  if (fresh.dataset.state !== "unknown" && fresh.dataset.state !== "lost") tell();
});

// Whether it was stored is not known if the answer never came. Forms carry a key or a version,
// so sending them again is safe; they keep what was typed.
document.addEventListener("htmx:error", (event) => {
  if (!event.detail.ctx || event.detail.ctx.sourceElement === fresh) return;
  const line = document.createElement("div");
  line.className = "alarm-line";
  line.textContent = "Rapport does not answer. Try again; nothing is carried out twice.";
  document.getElementById("alarm").replaceChildren(line);
});
