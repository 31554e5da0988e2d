from __future__ import annotations

import json

import pytest

from domain.kernel import CATALOGUE
from event_store.codec import check_upcasts, decode, encode
from tests.golden.samples import DIGESTS, FOLDER, Sample, digest, every_sample, stored_samples

STORED = stored_samples()


def test_every_event_type_has_a_stored_sample() -> None:
    missing = [sample.topic for sample in every_sample() if not sample.file.exists()]
    assert not missing, "python -m tests.golden stores them"


@pytest.mark.parametrize("sample", STORED, ids=lambda sample: sample.topic)
def test_what_was_stored_is_still_read(sample: Sample) -> None:
    name, _, version = sample.topic.rpartition("/")
    fact = decode(sample.topic, sample.state.encode())

    assert type(fact) is CATALOGUE[name].cls
    if int(version) == CATALOGUE[name].version:
        topic, state = encode(fact)
        assert topic == sample.topic
        assert json.loads(state) == json.loads(sample.state)


def test_a_sample_that_exists_never_changes_and_never_goes() -> None:
    lines = DIGESTS.read_text(encoding="utf-8").splitlines()
    known = {name: value for value, name in (line.split("  ") for line in lines)}
    there = {file.name: digest(file) for file in FOLDER.glob("*.json")}

    assert there == known
    assert len(known) == len(lines), "a sample is listed twice"


def test_every_sample_is_filed_under_its_topic() -> None:
    assert {sample.file for sample in STORED} == set(FOLDER.glob("*.json"))


def test_every_stored_version_has_a_way_to_todays() -> None:
    check_upcasts()
