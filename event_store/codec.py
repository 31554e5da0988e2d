"""From events to stored bytes and back: names and versions of our own, JSON by msgspec."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from domain.kernel import CATALOGUE, WITHHELD, Event, Withheld

Payload = dict[str, Any]
Upcast = Callable[[Payload], Payload]

UPCASTS: dict[tuple[str, int], Upcast] = {}
"""``(name, n)`` to the function that turns a stored payload of version n into version n + 1."""

_encoder = msgspec.json.Encoder(order="deterministic")


class UnreadableEvent(Exception):
    """A stored event that this code cannot read: unknown, newer than the code, or damaged."""

    def __init__(self, topic: str, why: str) -> None:
        super().__init__(f"cannot read a stored {topic!r}: {why}")
        self.topic = topic


def encode(fact: Event) -> tuple[str, bytes]:
    """The topic (``name/version``) and the state bytes under which a fact is stored."""
    return fact.__event__.topic, _encoder.encode(fact)


def encode_impersonal(fact: Event) -> bytes:
    """The state without its personal fields, for places that cannot forget."""
    return encode_apart(fact)[0]


def encode_apart(fact: Event) -> tuple[bytes, bytes | None]:
    """The state as two JSON objects: what is impersonal, and what is personal. The second one
    is None where nothing personal was said."""
    halves = _halves(type(fact))
    if halves is None:
        return _encoder.encode(fact), None
    personal = _encoder.encode(halves.personal(fact))
    return _encoder.encode(halves.impersonal(fact)), None if personal == b"{}" else personal


def without(topic: str, why: Withheld) -> bytes:
    """The personal fields that an event cannot be read without, as a JSON object that says why
    they are not there."""
    return _stand_ins(topic.rpartition("/")[0], why)


@cache
def _stand_ins(name: str, why: Withheld) -> bytes:
    kind = CATALOGUE.get(name)
    if kind is None:
        return b"{}"
    needed = {f.name for f in msgspec.structs.fields(kind.cls) if f.required}
    return _encoder.encode({n: WITHHELD[why] for n in kind.personal_fields if n in needed})


class _Halves(NamedTuple):
    """What an event says of people, and the rest of it."""

    impersonal: Callable[[Event], msgspec.Struct]
    personal: Callable[[Event], msgspec.Struct]


@cache
def _halves(cls: type[Event]) -> _Halves | None:
    personal = cls.__event__.personal_fields
    if not personal:
        return None
    rest = tuple(name for name in cls.__struct_fields__ if name not in personal)
    return _Halves(_part(cls, rest), _part(cls, personal))


def _part(cls: type[Event], names: tuple[str, ...]) -> Callable[[Event], msgspec.Struct]:
    """A struct of some of the event's fields, and how to fill it."""
    fields = {f.name: f for f in msgspec.structs.fields(cls)}
    # What has to be said is never UNSET, so it is never left out.
    defaults = (msgspec.UNSET if fields[n].required else fields[n].default for n in names)
    columns = [(n, Any, default) for n, default in zip(names, defaults, strict=True)]
    struct = msgspec.defstruct(f"{cls.__name__}Part", columns, omit_defaults=True, gc=False)
    if not names:
        return lambda _: struct()
    get = attrgetter(*names)
    if len(names) == 1:
        return lambda fact: struct(get(fact))
    return lambda fact: struct(*get(fact))


def decode(topic: str, state: bytes) -> Event:
    """The fact behind stored bytes, brought up to today's version.

    Raises:
        UnreadableEvent: the name is unknown, the version is newer than this code or has no
            path to today's, or the bytes do not fit the class.
    """
    try:
        return _decoder(topic)(state)
    except msgspec.MsgspecError as bad:
        raise UnreadableEvent(topic, str(bad)) from bad


@cache
def _decoder(topic: str) -> Callable[[bytes], Event]:
    name, _, version = topic.rpartition("/")
    kind = CATALOGUE.get(name)
    if kind is None or not version.isdigit():
        raise UnreadableEvent(topic, "this program knows no such event; is it newer?")
    stored = int(version)
    if stored == kind.version:
        decode_today: Callable[[bytes], Event] = msgspec.json.Decoder(kind.cls).decode
        return decode_today
    if stored > kind.version:
        raise UnreadableEvent(topic, f"this program reads up to version {kind.version}")
    steps = [_upcast(topic, name, n) for n in range(stored, kind.version)]

    def through_the_versions(state: bytes) -> Event:
        payload = msgspec.json.decode(state)
        for step in steps:
            payload = step(payload)
        return msgspec.convert(payload, kind.cls, strict=False)

    return through_the_versions


def _upcast(topic: str, name: str, version: int) -> Upcast:
    step = UPCASTS.get((name, version))
    if step is None:
        raise UnreadableEvent(topic, f"no upcast from version {version} to {version + 1}")
    return step


def check_upcasts() -> None:
    """Every version ever stored has a path to today's. Called at start.

    Raises:
        UnreadableEvent: a step is missing, or leads nowhere.
    """
    for name, version in UPCASTS:
        kind = CATALOGUE.get(name)
        if kind is None or version >= kind.version:
            raise UnreadableEvent(f"{name}/{version}", "its upcast leads to no known version")
    for kind in CATALOGUE.values():
        for version in range(1, kind.version):
            _upcast(f"{kind.name}/{version}", kind.name, version)
