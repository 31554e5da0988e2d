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
from dataclasses import dataclass
from pathlib import Path

START_SECONDS_MAX = 60
HEAP = ("-Xms256m", "-Xmx512m")
POM = Path(__file__).with_name("kafka-pom.xml")
JARS = Path(__file__).parents[1] / "build" / "kafka-jars"


class NoBroker(Exception):
    """Why there is no broker on this machine."""


@dataclass
class Broker:
    """A broker of our own, which can be killed and started again over the same files."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        config = str(self.folder / "server.properties")
        with (self.folder / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["java", *HEAP, "-cp", f"{_jars()}/*", "kafka.Kafka", config],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        _wait_for(self.port, self.process)

    def kill(self) -> None:
        """Ends it without a word, as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


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
    with own_broker() as broker:
        yield broker.address


@contextmanager
def own_broker() -> Iterator[Broker]:
    """A broker that a test may kill.

    Raises:
        NoBroker: Java or Maven is missing.
    """
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise NoBroker(f"no broker: {program} is missing")
    with tempfile.TemporaryDirectory(prefix="kafka-") as name:
        folder, port = Path(name), _free_port()
        _format(folder, port)
        broker = Broker(folder, port)
        try:
            broker.start()
            yield broker
        finally:
            broker.kill()


def _format(folder: Path, port: int) -> None:
    config = folder / "server.properties"
    config.write_text(_properties(folder, port, _free_port()))
    storage = ["java", "-cp", f"{_jars()}/*", "kafka.tools.StorageTool"]
    cluster = subprocess.run(
        [*storage, "random-uuid"], check=True, capture_output=True, text=True
    ).stdout.strip()
    subprocess.run(
        [*storage, "format", "--standalone", "-t", cluster, "-c", str(config)],
        check=True,
        capture_output=True,
    )


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
