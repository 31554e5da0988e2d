"""The library's own cases, run against our recorder and factory.

What does not apply, and why:

* ``TrackingRecorderTestCase`` and ``ProcessRecorderTestCase``: views keep their position in the
  transaction of their rows, so there are no tracking or process recorders of ours. The factory
  still gives the library's tracking recorder; it refuses to give a process recorder, which would
  write events past the committer (``test_create_process_recorder``).
* ``AggregateRecorderTestCase`` expects no notification ids, which our one recorder always gives;
  it is run with them left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    NotSupportedError,
    StoredEvent,
    TrackingRecorder,
)
from eventsourcing.postgres import (
    PostgresAggregateRecorder,
    PostgresTrackingRecorder,
)
from eventsourcing.utils import Environment
from psycopg.conninfo import conninfo_to_dict

from event_store.recorder import CrmFactory, CrmRecorder

pytest.importorskip("Crypto", reason="the library's cases import pycryptodome")

from eventsourcing.tests.persistence import (  # not without pycryptodome
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    InfrastructureFactoryTestCase,
    NonInterleavingNotificationIDsBaseCase,
)


class _WithoutIds(CrmRecorder):
    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        super().insert_events(stored_events, **kwargs)


class _WithFactory:
    """Gives a case the environment of a fresh database."""

    env: Environment

    @pytest.fixture(autouse=True)
    def _environment(self, database: str) -> None:
        given = conninfo_to_dict(database)
        self.env = Environment(
            env={
                "PERSISTENCE_MODULE": "event_store.recorder",
                "POSTGRES_DBNAME": str(given["dbname"]),
                "POSTGRES_HOST": str(given["host"]),
                "POSTGRES_PORT": str(given["port"]),
                "POSTGRES_USER": str(given["user"]),
                "POSTGRES_PASSWORD": "",
            }
        )


class _WithRecorder(_WithFactory):
    recorder_class = CrmRecorder

    def create_recorder(self) -> CrmRecorder:
        factory = CrmFactory(self.env)
        recorder = self.recorder_class(factory.datastore)
        recorder.create_table()
        for close in (factory.close, recorder.close):
            self.addCleanup(close)  # type: ignore[attr-defined]  # the cases are TestCases
        return recorder


class TestAsAggregateRecorder(_WithRecorder, AggregateRecorderTestCase):
    recorder_class = _WithoutIds


class TestAsApplicationRecorder(_WithRecorder, ApplicationRecorderTestCase[CrmRecorder]):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestNotificationIds(_WithRecorder, NonInterleavingNotificationIDsBaseCase):
    pass


class TestFactory(_WithFactory, InfrastructureFactoryTestCase[CrmFactory]):
    def expected_factory_class(self) -> type[CrmFactory]:
        return CrmFactory

    def expected_aggregate_recorder_class(self) -> type[AggregateRecorder]:
        return PostgresAggregateRecorder

    def expected_application_recorder_class(self) -> type[ApplicationRecorder]:
        return CrmRecorder

    def expected_tracking_recorder_class(self) -> type[TrackingRecorder]:
        return PostgresTrackingRecorder

    def tracking_recorder_subclass(self) -> type[TrackingRecorder]:
        return _Tracking

    def expected_process_recorder_class(self) -> type[Any]:
        raise AssertionError("there is none")

    def test_create_process_recorder(self) -> None:
        with pytest.raises(NotSupportedError):
            self.factory.process_recorder()

    def test_refuses_functions_that_lose_events(self) -> None:
        self.env["POSTGRES_ENABLE_DB_FUNCTIONS"] = "yes"
        with pytest.raises(OSError, match="loses events"):
            CrmFactory(self.env)


class _Tracking(PostgresTrackingRecorder):
    pass
