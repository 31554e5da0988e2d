from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api.settings import OPERATOR, Settings, Unusable, variables


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables():
        monkeypatch.delenv(name, raising=False)


def test_variables_are_read_and_what_is_given_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_PORT", "9000")
    monkeypatch.setenv("CRM_HOST", "crm.example")
    monkeypatch.setenv("DATABASE_URL", "postgresql://there")
    found = Settings.read(port=9001)
    assert (found.port, found.host, found.database_url) == (
        9001,
        "crm.example",
        "postgresql://there",
    )


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    assert Settings.read().database_url is None


def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_PORT", "many")
    with pytest.raises(Unusable, match="port"):
        Settings.read()


def test_secrets_are_made_once_for_their_owner_alone(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as crowd:
        keys = set(crowd.map(lambda _: Settings.read(data=tmp_path).claim_key_bytes(), range(32)))
        tokens = set(crowd.map(lambda _: Settings.read(data=tmp_path).access_token(), range(32)))
    assert len(keys) == len(tokens) == 1
    assert len(keys.pop()) == 32
    for name in ("claims.key", "token"):
        assert stat.S_IMODE((tmp_path / "keys" / name).stat().st_mode) == 0o600
    assert sorted(it.name for it in (tmp_path / "keys").iterdir()) == ["claims.key", "token"]


def test_secrets_can_be_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRM_CLAIM_KEY", "ab" * 32)
    monkeypatch.setenv("CRM_TOKEN", "a token of some length")
    found = Settings.read(data=tmp_path)
    assert found.claim_key_bytes() == bytes.fromhex("ab" * 32)
    assert found.access_token() == "a token of some length"
    assert "some length" not in repr(found)
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("key", ["ab", "not hex " * 8])
def test_a_weak_claim_key_is_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="32 bytes"):
        Settings.read(data=tmp_path, claim_key=key).claim_key_bytes()


def test_a_short_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="16 characters"):
        Settings.read(data=tmp_path, token="secret").access_token()  # noqa: S106


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unusable, match=r"claims\.key"):
        Settings.read(data=tmp_path / "file").claim_key_bytes()


def test_the_token_speaks_for_a_member_where_one_is_named() -> None:
    assert Settings.read().actor == OPERATOR
    member = "01890a5d-ac96-774b-bcce-b302099a8057"
    assert Settings.read(member=member).actor == member
