"""The wiring: a workspace is one company's log with everything that is made from it."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool

from api.settings import Settings, Unusable
from commands.bus import Bus
from event_store.codec import check_upcasts
from event_store.dead_letters import DeadLetters
from event_store.embedded import ServerFailed, embedded_postgres
from event_store.keyring import any_keys
from event_store.keys import PersonalDataLocked
from event_store.postgres import PostgresEventStore
from event_store.schema import CannotMigrate, migrate
from replay.runner import Runner

if TYPE_CHECKING:
    from event_store.archive import Archive
    from projections.analytics.analyst import Analyst

_log = logging.getLogger("crm")

QUESTION_CONNECTIONS_MAX = 10
QUESTION_SECONDS_MAX = 10
"""How long one question to a view may take, and how long it may wait for a connection."""


class Workspace:
    """Opened, it can be asked and told everything. Safe to share between threads."""

    def __init__(
        self,
        settings: Settings,
        dsn: str,
        store: PostgresEventStore,
        runner: Runner,
        closing: ExitStack,
    ) -> None:
        self.settings, self.dsn, self.store, self.runner = settings, dsn, store, runner
        self.bus = Bus(store)
        self._closing = closing

    @classmethod
    def open(cls, settings: Settings, *, runner: bool) -> Workspace:
        """Opens the log and everything around it; ``runner``: and keeps the views up to date.

        Raises:
            Unusable: the folder or the database cannot be used, in one sentence.
        """
        check_upcasts()
        with ExitStack() as closing:
            dsn = _database(settings, closing)
            try:
                migrate(dsn)
                keks = settings.keks(first_use=not any_keys(dsn))
            except (psycopg.Error, CannotMigrate) as bad:
                raise Unusable(_unreachable(dsn, bad)) from None
            except PersonalDataLocked as bad:
                raise Unusable(str(bad)) from None
            store = PostgresEventStore(
                dsn,
                claim_key=settings.claim_key_bytes(),
                keks=keks,
                workspace=settings.workspace,
            )
            closing.callback(store.close)
            _tell_if_locked(store)
            views = Runner(store, dsn)
            closing.callback(views.stop)
            if runner:
                views.start()
            else:
                views.prepare()
            return cls(settings, dsn, store, views, closing.pop_all())
        raise AssertionError("unreachable")

    @cached_property
    def rows(self) -> ConnectionPool[psycopg.Connection[Any]]:
        """Connections for questions to views: they can read, and not for long."""
        limit = QUESTION_SECONDS_MAX * 1000
        pool = ConnectionPool(
            self.dsn,
            min_size=1,
            max_size=QUESTION_CONNECTIONS_MAX,
            timeout=QUESTION_SECONDS_MAX,
            check=ConnectionPool.check_connection,
            kwargs={
                "autocommit": True,
                "options": f"-c statement_timeout={limit} -c default_transaction_read_only=on"
                " -c TimeZone=UTC",
            },
            open=True,
        )
        self._closing.callback(pool.close)
        return pool

    @cached_property
    def dead_letters(self) -> DeadLetters:
        """Messages that could not be carried out."""
        letters = DeadLetters(self.dsn, secret=self.settings.claim_key_bytes())
        self._closing.callback(letters.close)
        return letters

    @cached_property
    def archive(self) -> Archive:
        """The log for analysts."""
        from event_store.archive import Archive  # DuckDB is loaded only where it is needed

        archive = Archive(self.dsn, self.settings.data / "archive")
        self._closing.callback(archive.close)
        return archive

    @cached_property
    def analyst(self) -> Analyst:
        """Who answers SQL and metrics."""
        from projections.analytics.analyst import Analyst

        return Analyst(self.archive.connect)

    def close(self) -> None:
        """Lets go of everything, in the reverse order of opening."""
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _database(settings: Settings, closing: ExitStack) -> str:
    """The address of the database that the settings name, or of one that is started here."""
    _usable_folder(settings.data)
    if settings.database_url:
        return settings.database_url
    try:
        return closing.enter_context(embedded_postgres(settings.data))
    except ServerFailed as bad:
        raise Unusable(f"The database cannot be started: {bad}.") from None


def _tell_if_locked(store: PostgresEventStore) -> None:
    """Without keys the program goes on, with what is personal closed: that has to be seen."""
    why = store.keys.check()
    if why is not None:
        _log.error("personal data can be neither read nor stored: %s", why)


def _usable_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as bad:
        raise Unusable(f"The data folder {folder} cannot be used: {bad.strerror}.") from None


def _unreachable(dsn: str, bad: Exception) -> str:
    """A sentence that names the database but not its password."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        return "DATABASE_URL is not an address of a PostgreSQL database."
    where = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
    why = " ".join(str(bad).split())
    return f"The database {where} cannot be used: {why}"
