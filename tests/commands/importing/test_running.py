"""An import carried out: in chunks, resumable, each row once, the refused ones kept."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from threading import Event as Signal
from typing import Any

import pytest

from commands.importing import BadMap, ImportRefused, Progress, known, load, run
from commands.importing import running as module
from domain.contacts import ContactAdded
from domain.orders import OrderPlaced
from event_store.memory import MemoryEventStore
from event_store.store import Appended, Checkpoint, Entry
from tests.commands.importing.kit import ACTOR, ORDERS, ORDERS_HEADER, Kit

BAD = "x,ada,2020-02-30,5\n"


def _rows(count: int) -> str:
    return ORDERS_HEADER + "".join(f"{n},c{n % 7},2020-01-01,{n}\n" for n in range(count))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_ROWS", 10)


class Broken(MemoryEventStore):
    """Fails after some transactions, before or after what it should store is stored."""

    def __init__(self, after: int, *, stored: bool) -> None:
        super().__init__()
        self.left, self.stored = after, stored

    def append_all(
        self, entries: Sequence[Entry], checkpoint: Checkpoint | None = None
    ) -> list[Appended]:
        self.left -= 1
        if self.left == 0 and not self.stored:
            raise OSError("the power went out")
        done = super().append_all(entries, checkpoint)
        if self.left == 0:
            raise OSError("the power went out")
        return done


def test_rows_become_events_of_one_batch_that_know_their_row(kit: Kit) -> None:
    summary = kit.run(ORDERS, {"orders.csv": ORDERS_HEADER + "1,ada,2020-01-01,5\n"})
    added, placed = kit.events()
    assert (type(added.event), type(placed.event)) == (ContactAdded, OrderPlaced)
    assert {it.batch_id for it in (added, placed)} == {summary.id}
    assert {it.source for it in (added, placed)} == {"import orders.csv:2"}
    assert {it.actor for it in (added, placed)} == {ACTOR.id}
    assert str(summary) == "1 of 1 rows: 1 new; 2 events"
    assert summary.finished
    assert not kit.rejects.exists()


def test_a_finished_import_does_nothing(kit: Kit) -> None:
    files: dict[str, str | bytes] = {"orders.csv": _rows(3) + BAD}
    first = kit.run(ORDERS, files)
    again = kit.run(ORDERS, files)
    assert not first.already
    assert again.already
    assert (again.counts, again.rejects) == (first.counts, kit.rejects)
    assert len(kit.events()) == 6


def test_a_dry_run_says_what_a_run_does(kit: Kit) -> None:
    files: dict[str, str | bytes] = {"orders.csv": _rows(30) + BAD + "3,ada,2020-01-01,5\n"}
    said = kit.verdicts(ORDERS, files)
    summary = kit.run(ORDERS, files)
    kinds = [verdict.kind for verdict in said]
    assert summary.counts == {kind: kinds.count(kind) for kind in set(kinds)}
    assert [fact for verdict in said for fact in verdict.facts] == kit.facts()
    assert [str(v) for v in said if v.kind == "refused"] == [str(v) for v in summary.refusals]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("stored", [True, False], ids=["commit answered late", "not stored"])
@pytest.mark.parametrize("after", range(1, 8))
def test_an_import_that_broke_goes_on_where_it_was(
    tmp_path: Path, after: int, stored: bool
) -> None:
    content = _rows(25) + BAD + "".join(f"{n},new,2020-01-02,1\n" for n in range(100, 120)) + BAD
    whole = Kit(tmp_path)
    expected = whole.run(ORDERS, {"orders.csv": content})
    lines = whole.rejects.read_text()

    kit = Kit(tmp_path, Broken(after, stored=stored))
    with pytest.raises(OSError, match="power"):
        kit.run(ORDERS, {"orders.csv": content})
    summary = kit.run(ORDERS, {"orders.csv": content})
    assert kit.facts() == whole.facts()
    assert (summary.counts, summary.events) == (expected.counts, expected.events)
    assert kit.rejects.read_text() == lines


@pytest.mark.usefixtures("small_chunks")
def test_an_interrupted_dry_run_or_run_speaks_of_what_is_left(tmp_path: Path) -> None:
    kit = Kit(tmp_path, Broken(3, stored=True))
    with pytest.raises(OSError, match="power"):
        kit.run(ORDERS, {"orders.csv": _rows(25)})
    plan = kit.plan(ORDERS, {"orders.csv": _rows(25)})
    assert known(plan, kit.bus).done == 20
    left = kit.verdicts(ORDERS, {"orders.csv": _rows(25)})
    assert [(v.line, v.kind) for v in left] == [(n, "new") for n in range(22, 27)]
    assert kit.run(ORDERS, {"orders.csv": _rows(25)}).resumed_at == 20


@pytest.mark.usefixtures("small_chunks")
def test_a_key_that_comes_twice_is_found_after_an_interruption(tmp_path: Path) -> None:
    content = _rows(15) + "3,ada,2020-01-01,5\n"
    kit = Kit(tmp_path, Broken(2, stored=True))
    with pytest.raises(OSError, match="power"):
        kit.run(ORDERS, {"orders.csv": content})
    (refused,) = kit.run(ORDERS, {"orders.csv": content}).refusals
    assert refused.reason == "the order “3” is there already, from orders.csv:5"


@pytest.mark.usefixtures("small_chunks")
def test_a_cancelled_import_stops_between_rows_and_goes_on(kit: Kit) -> None:
    cancel = Signal()
    seen: list[Progress] = []

    def progress(it: Progress) -> None:
        seen.append(it)
        if it.done >= 20:
            cancel.set()

    files: dict[str, str | bytes] = {"orders.csv": _rows(95)}
    summary = kit.run(ORDERS, files, progress=progress, cancel=cancel)
    assert not summary.finished
    assert 20 <= summary.done < 95
    orders = sum(isinstance(fact, OrderPlaced) for fact in kit.facts())
    assert orders == summary.done == seen[-1].done
    assert kit.run(ORDERS, files, progress=seen.append).finished
    assert (seen[-1].done, seen[-1].rows, seen[-1].remaining) == (95, 95, 0)
    assert sum(isinstance(fact, OrderPlaced) for fact in kit.facts()) == 95


def test_refused_rows_are_kept_as_they_were(kit: Kit) -> None:
    content = ORDERS_HEADER + '1,"a ""b"", c",2020-02-30,5\n2,ada,2020-01-01,5\n3,x\n'
    summary = kit.run(ORDERS, {"orders.csv": content})
    assert summary.rejects == kit.rejects
    with kit.rejects.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["file", "line", "column", "reason", "row"]
    assert [row[:3] for row in rows] == [["orders.csv", "2", "date"], ["orders.csv", "4", ""]]
    assert rows[0][4] == '1,"a ""b"", c",2020-02-30,5'
    assert rows[1][4] == "3,x"


def test_refused_rows_do_not_go_to_a_file_that_is_imported(kit: Kit) -> None:
    plan = kit.plan(ORDERS, {"orders.csv": _rows(1)})
    with pytest.raises(ImportRefused, match="cannot go to a file that is imported"):
        run(plan, kit.bus, actor=ACTOR, rejects=kit.folder / "orders.csv")


def test_a_setup_that_is_refused_stores_nothing(kit: Kit) -> None:
    setup = "setup: [{command: add-contact, fields: {contact: {id: x}}}]\n"
    text = (
        setup + "source: shop\nfiles: [{match: rows.csv, do: [{command: add-contact, fields: {}}]}]"
    )
    with pytest.raises(BadMap, match="line 1: “add-contact”: "):
        kit.run(text, {"rows.csv": "a\n1\n"})
    assert kit.events() == []


class Raced(MemoryEventStore):
    """Others write to the same records while an import is decided."""

    def __init__(self) -> None:
        super().__init__()
        self.others: list[Any] = []

    def append_all(
        self, entries: Sequence[Entry], checkpoint: Checkpoint | None = None
    ) -> list[Appended]:
        if self.others and entries:
            self.others.pop(0)()
        return super().append_all(entries, checkpoint)


@pytest.mark.usefixtures("small_chunks")
def test_rows_are_decided_anew_where_others_were_faster(tmp_path: Path) -> None:
    store = Raced()
    other, kit = Kit(tmp_path, store), Kit(tmp_path, store)
    rivals = [
        ORDERS_HEADER + "7,c0,2019-01-01,1\n",
        ORDERS_HEADER + "12,c5,2019-01-01,1\n24,c1,2019-01-01,1\n",
    ]

    def rival(content: str) -> None:
        (tmp_path / "other").mkdir(exist_ok=True)
        other.folder = tmp_path / "other"
        other.map = other.folder / "map.yaml"
        other.run(ORDERS, {"orders.csv": content})

    store.others = [lambda: rival(rivals[0]), lambda: None, lambda: rival(rivals[1])]
    summary = kit.run(ORDERS, {"orders.csv": _rows(30) + BAD})
    assert summary.counts == {"new": 27, "duplicate": 3, "refused": 1}
    orders = [it for it in kit.events() if isinstance(it.event, OrderPlaced)]
    assert len(orders) == len({it.stream for it in orders}) == 30
    assert len(kit.rejects.read_text().splitlines()) == 2


@pytest.mark.usefixtures("small_chunks")
def test_the_same_import_does_not_run_twice_at_a_time(tmp_path: Path) -> None:
    store = Raced()
    kit = Kit(tmp_path, store)
    plan = kit.plan(ORDERS, {"orders.csv": _rows(30)})
    rejects = tmp_path / "others.csv"
    store.others = [lambda: run(plan, kit.bus, actor=ACTOR, rejects=rejects)]
    with pytest.raises(ImportRefused, match="another program is carrying out the same import"):
        run(plan, kit.bus, actor=ACTOR, rejects=kit.rejects)
    assert sum(isinstance(fact, OrderPlaced) for fact in kit.facts()) == 30


@pytest.mark.usefixtures("small_chunks")
def test_states_are_forgotten_when_there_are_too_many(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STATES_MAX", 15)
    summary = kit.run(ORDERS, {"orders.csv": _rows(60) + "3,ada,2020-01-01,5\n"})
    assert summary.counts == {"new": 60, "refused": 1}
    assert len(kit.events()) == 67


def test_a_file_that_changes_meanwhile_is_said(kit: Kit) -> None:
    (path,) = kit.write(ORDERS, {"orders.csv": _rows(5)})
    plan = load(kit.map, [path])
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ImportRefused, match="has changed since the import began"):
        run(plan, kit.bus, actor=ACTOR, rejects=kit.rejects)
