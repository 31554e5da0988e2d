"""Kafka topics: what they are called, and that they are there."""

from __future__ import annotations

from collections.abc import Sequence

PARTITIONS = 12
"""Of a topic that we make. A later change of it would break the order by key."""
CONNECTING = {
    "bootstrap_timeout_ms": 10_000,
    "reconnect_backoff_max_ms": 2_000,  # so that work goes on soon after brokers come back
}
"""How every client of ours looks for brokers."""


def events_topic(workspace: str) -> str:
    """The topic that a workspace's events go to."""
    return f"crm.{workspace}.events"


def inbound_topic(workspace: str) -> str:
    """The topic that a workspace takes commands from."""
    return f"crm.{workspace}.inbound"


def inbound_group(workspace: str) -> str:
    """The consumer group that shares a workspace's commands."""
    return f"crm.{workspace}.inbound"


def make_topic(servers: Sequence[str], name: str) -> None:
    """Makes a topic where it is not there yet, as replicated as the brokers have it.

    Raises:
        KafkaError: no broker can be reached, or it refuses.
    """
    from kafka import KafkaAdminClient  # not where only the names are needed
    from kafka.errors import TopicAlreadyExistsError

    admin = KafkaAdminClient(bootstrap_servers=list(servers), **CONNECTING)
    try:
        admin.create_topics({name: {"num_partitions": PARTITIONS}}, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        pass
    finally:
        admin.close()
