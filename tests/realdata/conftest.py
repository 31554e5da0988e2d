"""The real data sets, imported once for each run by the maps in ``examples``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from commands.bus import Bus
from commands.importing import Plan, Summary, load, run
from domain.kernel import Recorded
from event_store.postgres import PostgresEventStore
from event_store.schema import migrate
from tests.commands.importing.kit import ACTOR
from tests.conftest import CLAIM_KEY, KEKS

EXAMPLES = Path(__file__).parents[2] / "examples"

MAVEN = ("accounts.csv", "products.csv", "sales_teams.csv", "sales_pipeline.csv")
INCIDENTS = tuple(f"incidents_fold0_{part}.csv" for part in ("train", "val", "test"))


@dataclass(frozen=True)
class Imported:
    """A data set in a database of its own. The log must not be written to."""

    dsn: str
    store: PostgresEventStore
    plan: Plan
    summary: Summary
    files: tuple[Path, ...]

    def events(self) -> list[Recorded[Any]]:
        """The whole log."""
        found: list[Recorded[Any]] = []
        while page := self.store.page(len(found)):
            found.extend(page)
        return found


Importer = Callable[..., AbstractContextManager[Imported]]


@pytest.fixture(scope="session")
def importer(
    server_dsn: str, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Importer:
    """Imports a data set into a database that lives as long as the context."""

    @contextmanager
    def imported(map_name: str, folder: str, names: tuple[str, ...]) -> Iterator[Imported]:
        files = tuple(shared_data / folder / name for name in names)
        database = f"real_{uuid4().hex}"
        with psycopg.connect(server_dsn, autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {database}".encode())
        dsn = make_conninfo(server_dsn, dbname=database)
        migrate(dsn)
        store = PostgresEventStore(dsn, claim_key=CLAIM_KEY, keks=KEKS)
        plan = load(EXAMPLES / map_name, files)
        rejects = tmp_path_factory.mktemp("rejects") / "rejects.csv"
        summary = run(plan, Bus(store), actor=ACTOR, rejects=rejects)
        yield Imported(dsn, store, plan, summary, files)
        store.close()
        with psycopg.connect(server_dsn, autocommit=True) as conn:
            conn.execute(f"DROP DATABASE {database} WITH (FORCE)".encode())

    return imported


@pytest.fixture(scope="session")
def maven(importer: Importer) -> Iterator[Imported]:
    """The opportunities of a reseller of hardware."""
    with importer("maven.yaml", "maven_crm_opportunities", MAVEN) as it:
        yield it


@pytest.fixture(scope="session")
def cdnow(importer: Importer) -> Iterator[Imported]:
    """The orders of a music shop, all of them."""
    with importer("cdnow.yaml", "cdnow", ("CDNOW_master.txt",)) as it:
        yield it


@pytest.fixture(scope="session")
def cdnow_sample(importer: Importer) -> Iterator[Imported]:
    """The orders of every tenth customer."""
    with importer("cdnow_sample.yaml", "cdnow", ("CDNOW_sample.txt",)) as it:
        yield it


@pytest.fixture(scope="session")
def bpic2013(importer: Importer) -> Iterator[Imported]:
    """A service log of incidents."""
    with importer("bpic2013.yaml", "bpic2013", INCIDENTS) as it:
        yield it
