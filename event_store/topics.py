"""Kafka topics: what they are called, and that they are there."""

from __future__ import annotations

from collections.abc import Sequence

from kafka import KafkaAdminClient
from kafka.errors import TopicAlreadyExistsError

PARTITIONS = 12
"""Of a topic that we make. A later change of it would break the order by key."""
BOOTSTRAP_MS_MAX = 10_000
"""How long the first answer of a broker is waited for."""


def events_topic(workspace: str) -> str:
    """The topic that a workspace's events go to."""
    return f"crm.{workspace}.events"


def inbound_topic(workspace: str) -> str:
    """The topic that a workspace takes commands from."""
    return f"crm.{workspace}.inbound"


def make_topic(servers: Sequence[str], name: str) -> None:
    """Makes a topic where it is not there yet, as replicated as the brokers have it.

    Raises:
        KafkaError: no broker can be reached, or it refuses.
    """
    admin = KafkaAdminClient(bootstrap_servers=list(servers), bootstrap_timeout_ms=BOOTSTRAP_MS_MAX)
    try:
        admin.create_topics({name: {"num_partitions": PARTITIONS}}, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        pass
    finally:
        admin.close()
