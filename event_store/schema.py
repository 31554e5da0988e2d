"""The tables of the log, made and brought up to date by numbered steps."""

from __future__ import annotations

import time

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

LOG = "log"
VIEWS = "views"
APP_ROLE = "crm_app"
"""Whom the program works as. It may add events and read them; it owns the schema of the views."""

ALERT = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}
"""So that a server that is gone without a word is noticed in seconds, not hours. What the DSN
says counts more."""

MIGRATION_LOCK = 0x63726D_01
"""Advisory lock: one program at a time migrates a database."""
ROLE_TRIES_MAX = 20
"""Roles belong to all databases of a server; two of them being made ready at once collide."""


class CannotMigrate(Exception):
    """The database cannot be made ready; the message says what is missing."""


MIGRATIONS = (
    # 1: events, what is known beside them, and the walls around them
    """
    CREATE TABLE log.events (
        originator_id uuid NOT NULL,
        originator_version bigint NOT NULL,
        topic text NOT NULL,
        state bytea NOT NULL,
        notification_id bigint NOT NULL,
        recorded_at timestamptz NOT NULL,
        occurred_at timestamptz NOT NULL,
        actor text NOT NULL,
        on_behalf_of text,
        reason text,
        source text,
        command_id uuid NOT NULL,
        correlation_id uuid NOT NULL,
        causation_id uuid,
        batch_id uuid,
        subjects uuid[] NOT NULL,
        PRIMARY KEY (originator_id, originator_version)
    ) WITH (
        autovacuum_analyze_scale_factor = 0.05,
        autovacuum_vacuum_insert_scale_factor = 0.05
    );
    CREATE UNIQUE INDEX events_position ON log.events (notification_id);
    CREATE INDEX events_name ON log.events (split_part(topic, '/', 1), notification_id);
    CREATE INDEX events_subjects ON log.events USING gin (subjects);

    CREATE FUNCTION log.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'events are facts: % is refused', TG_OP
            USING ERRCODE = 'insufficient_privilege';
    END $$;
    CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON log.events
        FOR EACH STATEMENT EXECUTE FUNCTION log.refuse();
    CREATE TRIGGER no_truncate BEFORE TRUNCATE ON log.events
        FOR EACH STATEMENT EXECUTE FUNCTION log.refuse();
    ALTER TABLE log.events ENABLE ALWAYS TRIGGER no_change;
    ALTER TABLE log.events ENABLE ALWAYS TRIGGER no_truncate;

    CREATE TABLE log.commands (
        command_id uuid PRIMARY KEY,
        fingerprint bytea NOT NULL,
        position bigint NOT NULL,
        streams uuid[] NOT NULL,
        versions bigint[] NOT NULL,
        events text[] NOT NULL
    );
    CREATE TABLE log.claims (key bytea PRIMARY KEY, owner uuid NOT NULL);
    CREATE TABLE log.checkpoints (name text PRIMARY KEY, value jsonb NOT NULL);

    GRANT USAGE ON SCHEMA log TO crm_app;
    GRANT SELECT, INSERT ON log.events, log.commands TO crm_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON log.claims TO crm_app;
    GRANT SELECT, INSERT, UPDATE ON log.checkpoints TO crm_app;
    """,
    # 2: people's keys, wrapped, and what stays of those that were destroyed
    """
    CREATE TABLE log.keys (
        subject uuid NOT NULL,
        revision integer NOT NULL,
        kek_epoch integer NOT NULL,
        wrapped bytea NOT NULL,
        fingerprint bytea NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (subject, revision)
    );
    CREATE INDEX keys_epoch ON log.keys (kek_epoch);
    CREATE TABLE log.fences (
        subject bytea PRIMARY KEY,
        erased_through integer NOT NULL,
        fingerprints bytea[] NOT NULL,
        new_key_allowed boolean NOT NULL DEFAULT false
    );
    CREATE INDEX claims_owner ON log.claims (owner);

    GRANT SELECT, INSERT, UPDATE, DELETE ON log.keys TO crm_app;
    GRANT SELECT, INSERT, UPDATE ON log.fences TO crm_app;
    """,
    # 3: messages that could not be carried out, and those that wait behind them
    """
    CREATE TABLE log.dead_letters (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        state text NOT NULL CHECK (state IN ('refused', 'waiting', 'dropped')),
        topic text NOT NULL,
        partition integer NOT NULL,
        "offset" bigint NOT NULL,
        sent_at timestamptz NOT NULL,
        lane bytea,
        content bytea,
        code text,
        field text,
        reason text,
        tries integer NOT NULL,
        first_at timestamptz NOT NULL DEFAULT now(),
        last_at timestamptz NOT NULL DEFAULT now(),
        dropped_by text,
        drop_reason text,
        UNIQUE (topic, partition, "offset", sent_at)
    );
    CREATE INDEX dead_letters_lane ON log.dead_letters (lane, id) WHERE state <> 'dropped';

    GRANT SELECT, INSERT, UPDATE, DELETE ON log.dead_letters TO crm_app;
    """,
)
"""In order, never changed once released: what is wrong is put right by the next one."""


def migrate(dsn: str) -> None:
    """Makes the database ready for this program: schemas, tables, walls, and the role
    ``crm_app``. Does nothing where that is done; waits for another program that does it.

    Raises:
        CannotMigrate: the database is newer than the program or no UTF-8 one, or the user of
            the DSN lacks a right; the message says which.
    """
    with psycopg.connect(dsn, autocommit=True) as conn:
        _check_encoding(conn)
        conn.execute("SELECT pg_advisory_lock(%s)", (MIGRATION_LOCK,))
        _ensure_role(conn)
        if _applied(conn) == len(MIGRATIONS):
            return
        try:
            _ensure_schemas(conn)
            _apply(conn)
        except psycopg.errors.InsufficientPrivilege as no:
            raise CannotMigrate(f"the database does not let {_user(conn)} in: {no}") from no


def app_dsn(dsn: str) -> str:
    """The same database, as the role that the program works as."""
    given = conninfo_to_dict(dsn)
    options = f"{given.get('options') or ''} -c role={APP_ROLE} -c timezone=UTC".strip()
    alert = {name: value for name, value in ALERT.items() if name not in given}
    return make_conninfo(dsn, options=options, **alert)


def _check_encoding(conn: Connection) -> None:
    row = conn.execute("SHOW server_encoding").fetchone()
    if row != ("UTF8",):
        raise CannotMigrate(f"the database's encoding is {row}, not UTF8")


def _applied(conn: Connection) -> int:
    """How many steps the database has behind it."""
    row = conn.execute("SELECT to_regclass('log.migrations')").fetchone()
    if row == (None,):
        return 0
    row = conn.execute("SELECT coalesce(max(number), 0) FROM log.migrations").fetchone()
    number = int(row[0]) if row else 0
    if number > len(MIGRATIONS):
        raise CannotMigrate(
            f"the database is at step {number}, this program knows {len(MIGRATIONS)}: it is older"
        )
    return number


def _ensure_role(conn: Connection) -> None:
    for left in reversed(range(ROLE_TRIES_MAX)):
        try:
            with conn.transaction():
                _make_role(conn)
        except psycopg.errors.InsufficientPrivilege as no:
            raise CannotMigrate(_how_to_make_the_role(_user(conn))) from no
        except (
            psycopg.errors.DuplicateObject,
            psycopg.errors.UniqueViolation,
            psycopg.errors.InternalError,  # "tuple concurrently updated"
        ):
            if not left:
                raise
            time.sleep(0.05)
        else:
            return


def _make_role(conn: Connection) -> None:
    if conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (APP_ROLE,)).fetchone() is None:
        conn.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(APP_ROLE)))
    may = conn.execute("SELECT pg_has_role(current_user, %s, 'SET')", (APP_ROLE,)).fetchone()
    if may != (True,):
        conn.execute(SQL("GRANT {} TO CURRENT_USER").format(Identifier(APP_ROLE)))


def _how_to_make_the_role(user: str) -> str:
    return (
        f"{user} may not make the role {APP_ROLE}, or not work as it. Let an administrator run:\n"
        f"  CREATE ROLE {APP_ROLE} NOLOGIN;\n"
        f'  GRANT {APP_ROLE} TO "{user}";'
    )


def _user(conn: Connection) -> str:
    row = conn.execute("SELECT current_user").fetchone()
    return str(row[0]) if row else "?"


def _ensure_schemas(conn: Connection) -> None:
    conn.execute(SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(LOG)))
    conn.execute(
        SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(
            Identifier(VIEWS), Identifier(APP_ROLE)
        )
    )
    conn.execute(
        "CREATE TABLE IF NOT EXISTS log.migrations"
        " (number integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )


def _apply(conn: Connection) -> None:
    for number, step in enumerate(MIGRATIONS[_applied(conn) :], start=_applied(conn) + 1):
        with conn.transaction():
            conn.execute(step.encode())
            conn.execute("INSERT INTO log.migrations (number) VALUES (%s)", (number,))
