"""A real Apache Kafka broker for the tests: the one that is named, or one from Maven's jars."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS_MAX = 60
POM = Path(__file__).with_name("kafka-pom.xml")
JARS = Path(__file__).parents[1] / "build" / "kafka-jars"


class NoBroker(Exception):
    """Why there is no broker on this machine."""


@contextmanager
def kafka_broker() -> Iterator[str]:
    """The bootstrap address of a broker, alone on its port, gone at the end.

    Raises:
        NoBroker: none is named in ``KAFKA_BOOTSTRAP_SERVERS`` and Java or Maven is missing.
    """
    named = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if named:
        yield named
        return
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise NoBroker(
                f"no broker: KAFKA_BOOTSTRAP_SERVERS is not set and {program} is missing"
            )
    with tempfile.TemporaryDirectory(prefix="kafka-") as folder:
        yield from _started(Path(folder))


def _started(folder: Path) -> Iterator[str]:
    port, controller = _free_port(), _free_port()
    config = folder / "server.properties"
    config.write_text(_properties(folder, port, controller))
    classpath = f"{_jars()}/*"
    storage = ["java", "-cp", classpath, "kafka.tools.StorageTool"]
    cluster = subprocess.run(
        [*storage, "random-uuid"], check=True, capture_output=True, text=True
    ).stdout.strip()
    subprocess.run(
        [*storage, "format", "--standalone", "-t", cluster, "-c", str(config)],
        check=True,
        capture_output=True,
    )
    with (folder / "broker.log").open("wb") as log:
        broker = subprocess.Popen(
            ["java", "-Xms256m", "-Xmx512m", "-cp", classpath, "kafka.Kafka", str(config)],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(port, broker)
            yield f"127.0.0.1:{port}"
        finally:
            broker.kill()
            broker.wait()


def _jars() -> Path:
    if not list(JARS.glob("kafka_2.13-*.jar")):
        fetch = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
        subprocess.run([*fetch, f"-DoutputDirectory={JARS}"], check=True, capture_output=True)
    return JARS


def _wait_for(port: int, broker: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < end:
        if broker.poll() is not None:
            raise RuntimeError(f"the broker ended with {broker.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"no broker on port {port} after {START_SECONDS_MAX} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _properties(folder: Path, port: int, controller: int) -> str:
    return f"""
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={folder}/log
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
"""
