"""The kinds of input that commands share, each with its limit."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

NAME_MAX = 200
TEXT_MAX = 20_000
CLEARED_MAX = 50
EMAIL_MAX = 254

Name = Annotated[str, StringConstraints(min_length=1, max_length=NAME_MAX)]
"""One line: a name, a title, a subject."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX)]
"""Free text of some length."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""An ISO 4217 code."""
Amount = Annotated[Decimal, Field(max_digits=18, decimal_places=4)]
"""An amount of money or a quantity; may be negative."""
Cleared = Annotated[
    tuple[Name, ...], Field(max_length=CLEARED_MAX, description="The fields to empty, by name.")
]
Country = Annotated[str, StringConstraints(min_length=2, max_length=80)]


def _email(value: str) -> str:
    local, at, host = value.rpartition("@")
    if not (at and local and "." in host and " " not in value):
        raise ValueError("is not an e-mail address")
    return value


Email = Annotated[str, StringConstraints(max_length=EMAIL_MAX), AfterValidator(_email)]


def email_key(email: str) -> str:
    """The form under which two spellings of an address are the same."""
    return email.strip().casefold()
