"""The roles with a Kafka: what they need, and what is said of how they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from click.testing import CliRunner

from api.cli import main
from api.kafka_roles import integration, receiving, relaying
from api.main import Workspace
from api.settings import INBOUND, Unusable
from domain.kernel import new_id
from event_store.dead_letters import Why
from event_store.relay_progress import RelayProgress, relay_lag
from event_store.schema import app_dsn
from event_store.topics import events_topic
from tests.api.letters import account, message


def as_member(workspace: Workspace, member: UUID | None) -> Workspace:
    """The same workspace, told another member for messages."""
    settings = workspace.settings.model_copy(update={"inbound_member": member})
    return Workspace(settings, workspace.dsn, workspace.store, workspace.runner, workspace._closing)


@pytest.mark.parametrize("role", [relaying, receiving])
def test_without_a_kafka_the_role_says_so(
    role: Callable[[Workspace], object], workspace: Workspace
) -> None:
    with pytest.raises(Unusable, match="KAFKA_BOOTSTRAP_SERVERS"):
        role(workspace)


def test_messages_are_carried_out_by_the_integration_s_member(
    workspace: Workspace, done: Callable[..., dict[str, Any]]
) -> None:
    shop = UUID(done("add-member", name="The shop")["stream"])
    assert integration(as_member(workspace, shop)).id == str(shop)
    assert integration(as_member(workspace, None)).id == INBOUND
    for nobody in (new_id(), UUID(done("open-account", name="Acme")["stream"])):
        with pytest.raises(Unusable, match="no member"):
            integration(as_member(workspace, nobody))


def test_the_lag_and_the_letters_are_told(client: httpx.Client, workspace: Workspace) -> None:
    topic = events_topic(workspace.settings.workspace)
    with psycopg.connect(app_dsn(workspace.dsn), autocommit=True) as conn:
        RelayProgress.claim(conn, topic)
    why = Why("Invalid", "It is wrong.")
    workspace.dead_letters.keep([(message(account()), why), (message(account(), b"k"), None)])
    told = client.get("/metrics").text
    assert f"crm_relay_lag_events {workspace.store.head()}" in told
    assert 'crm_dead_letters{state="refused"} 1' in told
    assert 'crm_dead_letters{state="waiting"} 1' in told


def test_a_replay_moves_the_position_back(
    workspace: Workspace, done: Callable[..., dict[str, Any]]
) -> None:
    for n in range(3):
        done("open-account", name=f"Account {n}")
    topic = events_topic(workspace.settings.workspace)
    with psycopg.connect(app_dsn(workspace.dsn), autocommit=True) as conn:
        RelayProgress.claim(conn, topic).advance(workspace.store.head())
    given = {"DATABASE_URL": workspace.dsn, "CRM_DATA": str(workspace.settings.data)}

    def replay(position: int) -> int:
        done = CliRunner().invoke(main, ["relay", "replay", "--from", str(position)], env=given)
        return done.exit_code

    assert replay(2) == 0
    lag = relay_lag(workspace.store, topic)
    assert lag is not None
    assert lag.position == 1
    assert replay(workspace.store.head() + 2) == 2
