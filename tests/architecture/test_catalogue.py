"""Events, refusals and commands: every one of them is named, said in words, and answered for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import api.document_events
import commands  # noqa: F401  # fills the registries
import projections  # noqa: F401
from commands.registry import COMMANDS, CommandType
from domain.kernel import AGGREGATES, CATALOGUE, EventType, Refused, fold, sentence
from projections.columns import columns_of
from projections.kit import VIEWS, View
from tests.golden.samples import filled

ROOT = Path(__file__).resolve().parents[2]

EVENT_NAME = re.compile(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*")
PAST = re.compile(r"(ed|won|lost|left|held|done|set|written|begun|given|sent|met|drawn|waiting)$")

events = pytest.mark.parametrize("kind", CATALOGUE.values(), ids=lambda kind: kind.name)
asks = pytest.mark.parametrize("ask", COMMANDS.values(), ids=lambda ask: ask.name)
views = pytest.mark.parametrize("view", VIEWS.values(), ids=lambda view: view.name)


def _refusals(cls: type[Refused] = Refused) -> Iterator[type[Refused]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from _refusals(sub)


REFUSALS = sorted(
    {refusal for refusal in _refusals() if not refusal.__module__.startswith("tests.")},
    key=lambda refusal: refusal.__name__,
)


def _braces(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


# --- Events


@events
def test_an_event_is_named_after_what_happened_to_what(kind: EventType) -> None:
    assert EVENT_NAME.fullmatch(kind.name)
    assert PAST.search(kind.name), "the past tense"
    assert kind.noun in AGGREGATES


@events
def test_an_event_says_in_words_what_happened(kind: EventType) -> None:
    assert _braces(kind.summary) <= set(kind.cls.__struct_fields__)
    assert sentence(filled(kind.cls))


@events
def test_an_event_is_taken_in_by_the_state_of_its_record(kind: EventType) -> None:
    aggregate = AGGREGATES[kind.noun]
    state = fold(aggregate.evolve, aggregate.blank, [filled(kind.cls)])
    assert type(state) is type(aggregate.blank)


def test_the_page_of_events_is_fresh() -> None:
    page = api.document_events.EVENTS_MD.read_text(encoding="utf-8")
    assert page == api.document_events.events_markdown(), "python -m api.document_events"


# --- Refusals


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.__name__)
def test_a_refusal_is_a_sentence(refusal: type[Refused]) -> None:
    said = refusal.__dict__.get("__doc__") or ""
    assert said[:1].isupper() or said[:1] in "“{"
    assert said.endswith(".")
    assert said.isprintable(), "one line"
    assert str(refusal(**dict.fromkeys(_braces(said), "x")))


def test_no_two_refusals_share_a_code() -> None:
    codes = [refusal.__name__ for refusal in REFUSALS]
    assert len(codes) == len(set(codes))


def test_whoever_refuses_fills_the_sentence() -> None:
    known = {refusal.__name__: _braces(refusal.__doc__ or "") for refusal in REFUSALS}
    for file in [*ROOT.glob("domain/**/*.py"), *ROOT.glob("commands/**/*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Raise) or node.exc is None:
                continue
            name, given = _raised(node.exc)
            if given is not None:
                assert known.get(name, set()) <= given, f"{file.name}:{node.lineno}"


def _raised(raised: ast.expr) -> tuple[str, set[str] | None]:
    """The name of what is raised, and the names of its arguments where they can be told."""
    if not isinstance(raised, ast.Call):
        return ast.unparse(raised), set()
    names = {keyword.arg for keyword in raised.keywords}
    return ast.unparse(raised.func), None if None in names else {n for n in names if n}


# --- Commands


@asks
def test_a_command_says_what_it_does_and_is_carried_out(ask: CommandType) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", ask.name)
    assert ask.title.endswith(".")
    assert ask.handler.__annotations__["ask"] in (ask.model, ask.model.__name__)


@asks
def test_a_command_takes_no_more_than_its_limits(ask: CommandType) -> None:
    assert not [*_open_ended(ask.model.__pydantic_core_schema__)]


LIMITS = {
    "str": {"max_length", "pattern"},
    "int": {"le", "lt"},
    "float": {"le", "lt"},
    "decimal": {"max_digits", "le", "lt"},
    "list": {"max_length"},
    "set": {"max_length"},
    "dict": {"max_length"},
    "tuple": {"max_length"},
    "any": set(),
}
"""By kind of input, what bounds it: one of these has to be said."""


def _open_ended(schema: Any, path: str = "") -> Iterator[str]:
    if isinstance(schema, dict):
        limits = LIMITS.get(schema["type"]) if isinstance(schema.get("type"), str) else None
        if limits is not None and not schema.keys() & limits:
            yield f"{path}: {schema['type']}"
        for name, below in schema.items():
            yield from _open_ended(below, f"{path}/{name}")
    if isinstance(schema, list | tuple):
        for below in schema:
            yield from _open_ended(below, path)


# --- Views


@views
def test_a_view_answers_for_every_event_of_the_nouns_it_reads(view: View[Any]) -> None:
    answered = {cls.__event__ for cls in (*view.reads, *view.ignores)}
    nouns = {cls.__event__.noun for cls in view.reads}
    assert {kind for kind in CATALOGUE.values() if kind.noun in nouns} <= answered
    assert not set(view.reads) & set(view.ignores)


@views
def test_a_views_row_can_be_kept_in_a_table(view: View[Any]) -> None:
    assert set(view.key) <= set(columns_of(view.row).names)
    assert view.version >= 1
