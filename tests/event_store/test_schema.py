"""The database itself keeps facts from being changed, and is made ready once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from domain.kernel import new_id
from event_store import schema
from event_store.postgres import PostgresEventStore
from event_store.schema import APP_ROLE, CannotMigrate, app_dsn, migrate
from event_store.store import Claim
from tests.conftest import KEKS
from tests.event_store.entries import entry, opened

ALL = [*range(1, len(schema.MIGRATIONS) + 1)]
"""The numbers of the steps there are."""

CHANGES = (
    "UPDATE log.events SET actor = 'someone else'",
    "UPDATE log.events SET actor = actor WHERE false",
    "DELETE FROM log.events",
    "TRUNCATE log.events",
    "TRUNCATE log.events CASCADE",
    "INSERT INTO log.events SELECT * FROM log.events"
    " ON CONFLICT (originator_id, originator_version) DO UPDATE SET actor = 'someone else'",
    "MERGE INTO log.events AS e USING (VALUES (1)) AS v ON true WHEN MATCHED THEN DELETE",
)


@pytest.fixture
def one_event(store: PostgresEventStore) -> PostgresEventStore:
    store.append(entry(opened(new_id())))
    return store


@pytest.fixture
def owner(database: str, one_event: PostgresEventStore) -> Iterator[Connection]:
    """A connection of the superuser who owns the table."""
    with psycopg.connect(database, autocommit=True) as conn:
        yield conn
    assert [it.actor for it in one_event.page(0)] == ["member-1"]


@pytest.fixture
def app(database: str, one_event: PostgresEventStore) -> Iterator[Connection]:
    """A connection as the program's role."""
    with psycopg.connect(app_dsn(database), autocommit=True) as conn:
        yield conn
    assert [it.actor for it in one_event.page(0)] == ["member-1"]


@pytest.mark.parametrize("change", CHANGES)
def test_not_even_the_owner_changes_events(owner: Connection, change: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="events are facts"):
        owner.execute(change.encode())


@pytest.mark.parametrize("change", CHANGES)
def test_a_replica_role_does_not_switch_the_walls_off(owner: Connection, change: str) -> None:
    owner.execute("SET session_replication_role = replica")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="events are facts"):
        owner.execute(change.encode())


@pytest.mark.parametrize("change", CHANGES)
def test_the_program_has_no_right_to_change_events(app: Connection, change: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
        app.execute(change.encode())


@pytest.mark.parametrize(
    "wall",
    [
        "ALTER TABLE log.events DISABLE TRIGGER ALL",
        "ALTER TABLE log.events DISABLE TRIGGER no_change",
        "DROP TRIGGER no_change ON log.events",
        "DROP TABLE log.events",
        "CREATE OR REPLACE FUNCTION log.refuse() RETURNS trigger LANGUAGE sql AS ''",
        "SET session_replication_role = replica",
        "DELETE FROM log.commands",
        "UPDATE log.commands SET fingerprint = ''",
        "DELETE FROM log.migrations",
        "CREATE TABLE log.other ()",
    ],
)
def test_the_program_cannot_tear_the_walls_down(app: Connection, wall: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute(wall.encode())


def test_the_program_owns_the_views(app: Connection) -> None:
    app.execute("CREATE TABLE views.accounts_1 (id uuid PRIMARY KEY)")
    app.execute("CREATE VIEW views.accounts AS SELECT * FROM views.accounts_1")
    app.execute("DROP TABLE views.accounts_1 CASCADE")


def test_nothing_personal_lies_beside_the_log(store: PostgresEventStore, database: str) -> None:
    owner = new_id()
    store.append(
        entry(
            claims=(Claim("email", "ada@example.com", owner),),
            command_id=owner,
            fingerprint=b"a digest of ada@example.com",
        )
    )
    with psycopg.connect(database) as conn:
        for table in ("claims", "commands", "checkpoints"):
            rows = conn.execute(f"TABLE log.{table}".encode()).fetchall()
            assert "ada@" not in str(rows)
            assert table == "checkpoints" or rows


class TestMigrate:
    @pytest.fixture
    def bare(self, server_dsn: str) -> Iterator[str]:
        """A database that nobody has made ready."""
        name = f"bare_{uuid4().hex}"
        with psycopg.connect(server_dsn, autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name}".encode())
        yield make_conninfo(server_dsn, dbname=name)
        with psycopg.connect(server_dsn, autocommit=True) as conn:
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def steps(self, dsn: str) -> list[int]:
        with psycopg.connect(dsn) as conn:
            rows = conn.execute("SELECT number FROM log.migrations ORDER BY number")
            return [number for (number,) in rows]

    def test_applies_each_step_once(self, bare: str) -> None:
        migrate(bare)
        migrate(bare)
        assert self.steps(bare) == ALL

    def test_two_starters_do_not_collide(self, bare: str) -> None:
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(migrate, [bare] * 6))
        assert self.steps(bare) == ALL

    def test_a_later_step_is_added(self, bare: str, monkeypatch: pytest.MonkeyPatch) -> None:
        migrate(bare)
        steps = (*schema.MIGRATIONS, "CREATE TABLE log.more (); CREATE TABLE log.most ();")
        monkeypatch.setattr(schema, "MIGRATIONS", steps)
        migrate(bare)
        assert self.steps(bare) == [*ALL, len(ALL) + 1]

    def test_a_step_that_fails_leaves_nothing(
        self, bare: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        steps = (*schema.MIGRATIONS, "CREATE TABLE log.more (); SELECT 1 / 0;")
        monkeypatch.setattr(schema, "MIGRATIONS", steps)
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrate(bare)
        assert self.steps(bare) == ALL

    def test_an_older_program_stays_out(self, bare: str, monkeypatch: pytest.MonkeyPatch) -> None:
        migrate(bare)
        monkeypatch.setattr(schema, "MIGRATIONS", ())
        with pytest.raises(CannotMigrate, match="older"):
            migrate(bare)

    def test_says_what_a_user_without_rights_is_missing(self, bare: str) -> None:
        user = f"poor_{uuid4().hex}"
        with psycopg.connect(bare, autocommit=True) as conn:
            migrate(bare)  # the role is there, as on a server with another workspace
            conn.execute(f"DROP SCHEMA log, views CASCADE; CREATE ROLE {user} LOGIN".encode())
            poor = make_conninfo(bare, user=user)
            with pytest.raises(CannotMigrate, match=f"GRANT {APP_ROLE} TO"):
                migrate(poor)
            conn.execute(f"GRANT {APP_ROLE} TO {user}".encode())
            with pytest.raises(CannotMigrate, match="permission denied for database"):
                migrate(poor)
            conn.execute(f"GRANT CREATE ON DATABASE {conn.info.dbname} TO {user}".encode())
            migrate(poor)
            conn.execute(f"REVOKE {APP_ROLE} FROM {user}".encode())
            with pytest.raises(CannotMigrate, match=f"GRANT {APP_ROLE} TO"):
                migrate(poor)
            conn.execute(f"GRANT {APP_ROLE} TO {user}".encode())
            store = PostgresEventStore(poor, claim_key=bytes(32), keks=KEKS)
            assert store.append(entry(opened(new_id()))).position == 1
            store.close()
            conn.execute(f"DROP OWNED BY {user} CASCADE; DROP ROLE {user}".encode())

    def test_a_database_that_is_not_utf8_stays_out(self, server_dsn: str) -> None:
        name = f"latin_{uuid4().hex}"
        with psycopg.connect(server_dsn, autocommit=True) as conn:
            conn.execute(
                f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1'"
                " LOCALE_PROVIDER libc LOCALE 'C'".encode()
            )
            with pytest.raises(CannotMigrate, match="UTF8"):
                migrate(make_conninfo(server_dsn, dbname=name))
            conn.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
