"""Seals from the command line: a log that is sealed as it is served, evidence, a witness."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from api.cli import main
from api.http.witness import witness_app
from api.seals import log_key, witness_key, witness_of, witnesses
from api.settings import Settings, Unusable, variables
from event_store.seals.keys import LOG, WITNESS, SignerKey
from event_store.seals.witness import REQUEST_BYTES_MAX
from tests.event_store.seals.sealed import LOG_KEY, WITNESS_KEY, as_superuser
from tests.event_store.seals.test_witness import TREE, request

ROOT = Path(__file__).parents[2]
Crm = Callable[..., Result]


@pytest.fixture
def crm(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Crm]:
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("CRM_DATA", str(tmp_path / "data"))
    before = signal.getsignal(signal.SIGTERM)

    def run(*arguments: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    yield run
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def contact(crm: Crm) -> str:
    """Somebody who is in the log, with a note about them."""
    made = crm("do", "add-contact", "last_name=Lovelace", "--format", "json")
    contact = re.search(r'"stream": ?"([0-9a-f-]+)"', made.stdout)
    assert contact is not None
    crm("do", "write-note", f"about={contact[1]}", "noun=contact", "text=Called twice.")
    return contact[1]


def test_evidence_is_written_and_verified(crm: Crm, contact: str, tmp_path: Path) -> None:
    folder, file = tmp_path / "bundle", tmp_path / "bundle.zip"
    told = crm("evidence", "contact", contact, "-o", str(folder), "--leaves")
    assert "events of 2 records" in told.stderr
    assert "V7 all leaves are there" in crm("verify", str(folder)).stdout
    crm("evidence", "contact", contact, "-o", str(file), "--since", str(folder / "checkpoint"))
    told = crm("verify", str(file), "--since", str(folder / "checkpoint"))
    assert "V4 nothing was rewritten" in told.stdout
    assert "2 records" in told.stdout
    crm("evidence", "contact", contact, "-o", str(file), code=2)
    stranger = SignerKey.generate("rapport/main").verifier.text
    refused = crm("verify", str(file), "--log-key", stranger, code=1)
    assert "Unsigned" in refused.stderr
    (folder / "README").write_text("Believe me.")
    assert "FileAltered" in crm("verify", str(folder), code=1).stderr
    crm("evidence", "contact", "00000000-0000-0000-0000-000000000000", "-o", "x", code=1)
    assert not Path("x").exists()


def test_the_whole_log_is_verified(crm: Crm, contact: str, database: str, tmp_path: Path) -> None:
    assert "SealsMissing" not in crm("status").stderr
    crm("evidence", "contact", contact, "-o", str(tmp_path / "bundle"))
    assert "Sealed up to position 3, cosigned by no witness: none is named." in (
        crm("status").stderr
    )
    told = crm("verify")
    assert "3 of 3 events are sealed and unchanged. Witnessed by nobody" in told.stderr
    as_superuser(database, "UPDATE log.events SET actor = 'x' WHERE notification_id = 2")
    told = crm("verify", "--no-views", code=1)
    assert "LogDiffers" in told.stdout
    assert "The first bad position is 2." in told.stderr
    assert (
        "not the one that was sealed"
        in crm("evidence", "contact", contact, "-o", str(tmp_path / "again"), code=1).stderr
    )


def test_without_a_key_there_is_nothing_to_verify_by(crm: Crm) -> None:
    assert "There is no key of the log" in crm("verify", code=1).stderr
    crm("verify", "--log-key", "x", code=2)
    crm("verify", "--log-key", WITNESS_KEY.verifier.text, code=2)
    assert "Nothing of it is sealed." in crm("status").stderr


def test_while_its_witness_is_away_what_was_sealed_can_be_shown(
    crm: Crm, contact: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm("evidence", "contact", contact, "-o", str(tmp_path / "one"))
    crm("do", "write-note", f"about={contact}", "noun=contact", "text=Called again.")
    away = f"http://127.0.0.1:{free_port()} {WITNESS_KEY.verifier.text}"
    monkeypatch.setenv("CRM_WITNESSES", away)
    monkeypatch.setenv("CRM_WITNESS_QUORUM", "1")
    told = crm("evidence", "contact", contact, "-o", str(tmp_path / "two"), code=1)
    assert "Only what is sealed already is shown" in told.stderr
    assert "1 are asked for" in told.stderr, "and it was never witnessed"
    assert "cosigned by no witness, 1 events wait since" in crm("status").stderr
    monkeypatch.setenv("CRM_WITNESS_QUORUM", "0")
    crm("evidence", "contact", contact, "-o", str(tmp_path / "three"))
    assert "3 records" in crm("verify", str(tmp_path / "three")).stdout


# --- Settings


def test_keys_are_made_once_and_only_for_us(tmp_path: Path) -> None:
    chosen = Settings.read(data=tmp_path, workspace="acme")
    key = log_key(chosen)
    assert (key.name, key.kind) == ("rapport/acme", LOG)
    assert log_key(chosen) == key
    assert log_key(Settings.read(data=tmp_path, log_name="log.example/x")) == key
    assert (tmp_path / "keys" / "log.key").stat().st_mode & 0o777 == 0o600
    assert (witness_key(chosen).name, witness_key(chosen).kind) == ("rapport/witness", WITNESS)
    assert log_key(Settings.read(data=tmp_path, log_key=LOG_KEY.secret_text)) == LOG_KEY
    for bad in ["nonsense", WITNESS_KEY.secret_text]:
        with pytest.raises(Unusable) as no:
            log_key(Settings.read(data=tmp_path, log_key=bad))
        assert bad not in str(no.value)


def test_witnesses_are_named_with_their_keys(tmp_path: Path) -> None:
    text = f"http://a {WITNESS_KEY.verifier.text}, https://b {WITNESS_KEY.verifier.text}"
    found = witnesses(Settings.read(data=tmp_path, witnesses=text))
    assert [it.url for it in found] == ["http://a", "https://b"]
    with pytest.raises(Unusable):
        witnesses(Settings.read(data=tmp_path, witnesses="http://a"))
    with pytest.raises(Unusable):
        witnesses(Settings.read(data=tmp_path, witness_quorum=1))


def test_a_witness_knows_logs_by_their_keys(tmp_path: Path) -> None:
    chosen = Settings.read(data=tmp_path, witness_logs=LOG_KEY.verifier.text)
    assert witness_of(chosen)
    for logs in [(), (WITNESS_KEY.verifier.text,), ("x",)]:
        with pytest.raises(Unusable):
            witness_of(Settings.read(data=tmp_path), logs)


# --- Over HTTP


def test_the_witness_answers_as_the_specification_has_it(tmp_path: Path) -> None:
    witness = witness_of(Settings.read(data=tmp_path), (LOG_KEY.verifier.text,))
    door = httpx.ASGITransport(witness_app(witness))

    async def talk() -> None:
        async with httpx.AsyncClient(transport=door, base_url="http://witness") as client:

            async def ask(body: bytes) -> tuple[int, str]:
                answer = await client.post("/add-checkpoint", content=body)
                return answer.status_code, answer.headers.get("content-type", "")

            assert await ask(request(0, 5)) == (200, "text/plain; charset=utf-8")
            assert await ask(request(0, 7)) == (409, "text/x.tlog.size")
            thief = SignerKey.generate("log.example/acme")
            assert (await ask(request(5, 7, TREE, thief)))[0] == 403
            assert (await ask(b"x" * (REQUEST_BYTES_MAX + 1)))[0] == 413
            assert (await client.get("/add-checkpoint")).status_code == 405

    with ThreadPoolExecutor(1) as apart:  # the tests in a browser keep a loop in this thread
        apart.submit(asyncio.run, talk()).result()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def program(*arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The program in a process of its own, ended as an operator ends it."""
    running = subprocess.Popen(
        [sys.executable, "-m", "api.cli", *arguments],
        cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield running
    finally:
        running.terminate()
        running.communicate(timeout=30)


@pytest.mark.usefixtures("crm")
def test_a_served_log_is_sealed_and_witnessed(
    crm: Crm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = log_key(Settings.read(data=tmp_path / "data")).verifier.text
    with program(
        "witness", "--log", key, "--port", "0", "--data", str(tmp_path / "elsewhere")
    ) as witness:
        assert witness.stdout is not None
        named = witness.stdout.readline().strip()
        monkeypatch.setenv("CRM_WITNESSES", named.partition("=")[2].strip("'"))
        port = free_port()
        with program("serve", "--port", str(port)) as served:
            assert served.stdout is not None
            token = served.stdout.readline().strip().rpartition("=")[2]
            headers = {"Authorization": f"Bearer {token}"}
            until = time.monotonic() + 60
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:
                made = client.post("/api/commands/add-contact", json={"last_name": "Hopper"})
                assert made.status_code == 200
                while "crm_sealed_position 2" not in client.get("/metrics").text:
                    assert time.monotonic() < until
                    time.sleep(0.1)
                client.get("/metrics")
        told = crm("evidence", "contact", made.json()["stream"], "-o", str(tmp_path / "bundle"))
        assert "1 events of 1 records" in told.stderr
        assert "V2 witnessed at 2" in crm("verify", str(tmp_path / "bundle")).stdout
        assert "Witnessed by rapport/witness." in crm("verify").stderr
        assert "cosigned by rapport/witness" in crm("status").stderr
    shutil.rmtree(tmp_path / "data" / "seals")
    assert "SealsMissing" in crm("verify", "--no-views", code=1).stdout
