"""What the roles with a Kafka do: the relay passes the log on, inbound takes commands."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from api.inbound import Inbound
from api.main import Workspace
from api.settings import Unusable
from commands.desk import Actor
from event_store.relay import Relay

Work = Callable[[threading.Event], object]
"""What a role does until it is told to stop."""


def relaying(workspace: Workspace) -> Work:
    """Publishes the log.

    Raises:
        Unusable: no Kafka is named.
    """
    chosen = workspace.settings
    return Relay(workspace.store, workspace.dsn, _servers(workspace), chosen.workspace).run


def receiving(workspace: Workspace) -> Work:
    """Carries out messages.

    Raises:
        Unusable: no Kafka is named, or the member who is to act is not there.
    """
    chosen = workspace.settings
    servers, actor = _servers(workspace), integration(workspace)
    letters = workspace.dead_letters
    return Inbound(workspace.bus, letters, servers, chosen.workspace, actor).run


def integration(workspace: Workspace) -> Actor:
    """Who acts for messages.

    Raises:
        Unusable: the member is not there.
    """
    member = workspace.settings.inbound_member
    if member is not None:
        first = workspace.store.read(member, upto=1)
        if not first or first[0].event.__event__.noun != "member":
            raise Unusable(f"CRM_INBOUND_MEMBER: there is no member {member}.")
    return Actor(workspace.settings.inbound_actor)


def _servers(workspace: Workspace) -> str:
    servers = workspace.settings.kafka_bootstrap_servers
    if not servers:
        raise Unusable("This role needs a Kafka: name it in KAFKA_BOOTSTRAP_SERVERS.")
    if workspace.settings.log_level != "debug":
        logging.getLogger("kafka").setLevel(logging.WARNING)  # it says much of every rebalance
    return servers
