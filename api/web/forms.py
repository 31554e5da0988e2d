"""Forms that send commands: what was typed, what is wrong with it, and how it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from fastapi import Depends, Request
from pydantic import ValidationError

from api.http.access import sender
from api.http.commands import asked, not_done
from api.http.problems import Problem, invalid
from api.main import Workspace
from api.moments import moment
from commands.desk import Outcome
from commands.registry import COMMANDS
from domain.kernel import Refused, new_id
from event_store.store import ClaimTaken, Conflict, KeyReused, TooBusy

SHOWN_SECONDS_MAX = 2.0
"""How long an answer waits for the views to show what a form has done."""
NOT_DONE = (Refused, Conflict, ClaimTaken, KeyReused, TooBusy)


@dataclass(frozen=True, slots=True)
class Form:
    """A form on a page, empty or with what was typed."""

    id: str
    title: str
    icon: str
    action: str
    button: str
    values: Mapping[str, str]
    """By name of the field; every field that the form has."""
    wrong: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with fields of it."""
    problem: str = ""
    """What is wrong with the whole."""
    key: str = field(default_factory=lambda: str(new_id()))
    """Makes sure that a form that is sent twice is carried out once."""

    def after(self, typed: Mapping[str, str], problem: Problem) -> Form:
        """The form as it goes back to whoever sent it."""
        wrong = {name: said for name, said in mistakes(problem).items() if name in self.values}
        return replace(
            self,
            values={name: typed.get(name, "") for name in self.values},
            wrong=wrong,
            problem="" if wrong else problem.detail,
        )


def mistakes(problem: Problem) -> dict[str, str]:
    """What is wrong, by field."""
    errors = problem.more.get("errors")
    if isinstance(errors, list):
        return {error["field"]: error["detail"] for error in errors}
    return {problem.field: problem.detail} if problem.field else {}


async def _typed(request: Request) -> dict[str, str]:
    form = await request.form()
    return {name: value.strip() for name, value in form.items() if isinstance(value, str)}


Typed = Annotated[dict[str, str], Depends(_typed)]
"""The fields of a form that was sent."""


def send(
    workspace: Workspace,
    request: Request,
    name: str,
    said: Mapping[str, object],
    *,
    key: str | None = None,
    expected: int | None = None,
) -> Outcome:
    """Carries out a command as the API does, and waits until the views show it.

    Raises:
        Problem: it was not carried out; why, by field where one is at fault.
    """
    given = {field: value for field, value in said.items() if value not in ("", None)}
    try:
        command = COMMANDS[name].model.model_validate(given)
    except ValidationError as bad:
        raise invalid(bad.errors()) from bad
    ask = asked(command, sender(request), key, expected, source="form")
    try:
        outcome = workspace.bus.dispatch(ask)
    except NOT_DONE as error:
        raise not_done(workspace.store, ask, error) from error
    workspace.runner.wait_for(outcome.position, SHOWN_SECONDS_MAX)
    return outcome


def aware(typed: str) -> str:
    """A moment from a field of a form, which has no zone: it is told in UTC."""
    try:
        return moment(typed).isoformat() if typed else ""
    except ValueError:
        return typed


def version_of(typed: Mapping[str, str]) -> int | None:
    """The version that the sender saw.

    Raises:
        Problem: it is no number.
    """
    version = typed.get("version", "")
    if version and not version.isdecimal():
        raise Problem(422, "Invalid", "The form does not name a version.", field="version")
    return int(version) if version else None
