"""Conditions on the cells of a row: ``when: {stage: [Won, Lost], closed: {empty: false}}``.

The entries of a mapping hold together. ``all``, ``any`` and ``not`` combine conditions; every
other key is a column, compared with a value, with several (one of them), or asked whether it
is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator

Test = Callable[[Sequence[Any]], bool]
"""Whether the values of a row meet a condition."""


def _check(condition: dict[str, Any]) -> dict[str, Any]:
    if not condition:
        raise ValueError("a condition names at least one column")
    for key, wanted in condition.items():
        if key in ("all", "any"):
            if not isinstance(wanted, list) or not wanted:
                raise ValueError(f"“{key}” takes a list of conditions")
            for part in wanted:
                _check_part(key, part)
        elif key == "not":
            _check_part(key, wanted)
        else:
            _check_test(key, wanted)
    return condition


def _check_part(key: str, part: Any) -> None:
    if not isinstance(part, dict):
        raise ValueError(f"“{key}” takes conditions, such as {{stage: Won}}")  # noqa: TRY004
    _check(part)


def _check_test(column: str, wanted: Any) -> None:
    if isinstance(wanted, dict):
        if list(wanted) != ["empty"] or not isinstance(wanted["empty"], bool):
            raise ValueError(f"“{column}” takes a value, a list, or {{empty: true or false}}")
    elif any(isinstance(one, dict | list) or one is None for one in _several(wanted)):
        raise ValueError(f"“{column}” is compared with values; use {{empty: true}} for none")


def _several(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


Condition = Annotated[dict[str, Any], AfterValidator(_check)]


def compile_condition(
    condition: dict[str, Any], column: Callable[[str], tuple[int, Callable[[str], Any]]]
) -> Test:
    """A condition as a function of a row's values.

    ``column`` gives the place of a column among the values and how its texts are read.

    Raises:
        ValueError: a value cannot be one of its column.
    """
    tests = [_compiled(key, wanted, column) for key, wanted in condition.items()]
    return tests[0] if len(tests) == 1 else lambda values: all(t(values) for t in tests)


def _compiled(
    key: str, wanted: Any, column: Callable[[str], tuple[int, Callable[[str], Any]]]
) -> Test:
    if key in ("all", "any"):
        combine = all if key == "all" else any
        parts = [compile_condition(part, column) for part in wanted]
        return lambda values: combine(part(values) for part in parts)
    if key == "not":
        inner = compile_condition(wanted, column)
        return lambda values: not inner(values)
    place, read = column(key)
    if isinstance(wanted, dict):
        empty = wanted["empty"]
        return lambda values: (values[place] is None) is empty
    known = frozenset(read(_text(one)) for one in _several(wanted))
    return lambda values: values[place] in known


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def columns_of(condition: dict[str, Any]) -> set[str]:
    """The columns that a condition asks about."""
    found: set[str] = set()
    for key, wanted in condition.items():
        if key in ("all", "any"):
            found.update(*(columns_of(part) for part in wanted))
        elif key == "not":
            found |= columns_of(wanted)
        else:
            found.add(key)
    return found
