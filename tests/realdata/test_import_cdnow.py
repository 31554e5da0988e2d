"""The orders of a music shop, sample and full file: the log equals the files."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from commands.importing import load
from domain.contacts import ContactAdded
from domain.orders import OrderPlaced
from event_store.postgres import PostgresEventStore
from tests.commands.importing.killing import carry_out_with_kills
from tests.realdata.conftest import EXAMPLES, Imported

pytestmark = pytest.mark.realdata

Line = tuple[str, date, Decimal, Decimal]


def _in_file(path: Path, customer: int) -> list[Line]:
    lines = [line.split() for line in path.read_text().splitlines()]
    return [
        (cells[customer], date.fromisoformat(cells[-3]), Decimal(cells[-2]), Decimal(cells[-1]))
        for cells in lines
        if cells[0].isdigit()
    ]


def _in_log(store: PostgresEventStore) -> list[Line]:
    customers: dict[UUID, str] = {}
    lines = []
    position = 0
    while page := store.page(position):
        position = page[-1].position
        for it in page:
            if isinstance(it.event, ContactAdded):
                named = it.event.last_name or it.event.external_id  # the full file has no names
                customers[it.stream] = str(named).removeprefix("Customer ")
            elif isinstance(it.event, OrderPlaced):
                (line,) = it.event.lines
                assert it.event.contact is not None
                customer = customers[it.event.contact]
                lines.append((customer, it.occurred_at.date(), line.quantity, line.amount))
    return lines


def _days(lines: list[Line]) -> dict[str, set[date]]:
    days = defaultdict(set)
    for customer, day, _, _ in lines:
        days[customer].add(day)
    return days


def test_the_full_file(cdnow: Imported) -> None:
    lines = _in_log(cdnow.store)
    assert lines == _in_file(cdnow.files[0], customer=0)
    assert cdnow.summary.counts == {"new": 69_659}
    assert cdnow.summary.events == 69_659 + 23_570
    days = _days(lines)
    assert (len(lines), len(days)) == (69_659, 23_570)
    assert sum(len(each) for each in days.values()) == 67_591
    assert sum(len(each) > 1 for each in days.values()) == 11_516
    assert sum(amount for *_, amount in lines) == Decimal("2500315.63")
    assert sum(cds for _, _, cds, _ in lines) == 167_881


def test_the_sample(cdnow_sample: Imported) -> None:
    lines = _in_log(cdnow_sample.store)
    assert lines == _in_file(cdnow_sample.files[0], customer=1)
    days = _days(lines)
    assert (len(lines), len(days)) == (6_919, 2_357)
    assert sum(len(each) > 1 for each in days.values()) == 1_139
    assert sum(amount for *_, amount in lines) == Decimal("244091.94")
    assert sum(amount == 0 for *_, amount in lines) == 8


def test_the_sample_with_kills(
    database: str, store: PostgresEventStore, shared_data: Path, tmp_path: Path
) -> None:
    file, map_ = shared_data / "cdnow" / "CDNOW_sample.txt", EXAMPLES / "cdnow_sample.yaml"
    arguments = [database, str(map_), str(tmp_path / "rejects.csv"), "200", str(file)]
    summary = carry_out_with_kills(store, load(map_, [file]), arguments, kills=4, seed=1997)
    assert summary.finished
    assert _in_log(store) == _in_file(file, customer=1)
