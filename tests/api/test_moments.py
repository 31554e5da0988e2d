from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.moments import cut, moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-03", datetime(2026, 3, 3, 23, 59, 59, 999_999, UTC)),
        ("2026-03-03T14:02:00Z", datetime(2026, 3, 3, 14, 2, tzinfo=UTC)),
        ("2026-03-03T14:02", datetime(2026, 3, 3, 14, 2, tzinfo=UTC)),
        ("2026-03-03 14:02", datetime(2026, 3, 3, 14, 2, tzinfo=UTC)),
        ("2026-03-03T14:02:00+02:00", datetime(2026, 3, 3, 12, 2, tzinfo=UTC)),
        ("2026-03-03T14:02:00 02:00", datetime(2026, 3, 3, 12, 2, tzinfo=UTC)),
        (" 2026-03-03T14:02:00.5Z ", datetime(2026, 3, 3, 14, 2, 0, 500_000, UTC)),
    ],
)
def test_how_people_write_moments(text: str, expected: datetime) -> None:
    assert moment(text) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "0001-01-01T00:00+14:00", "٢٠٢٦"])
def test_what_is_no_moment_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="Write 2026-03-03"):
        moment(text)


@given(st.text())
def test_any_text_is_a_moment_or_refused(text: str) -> None:
    try:
        assert moment(text).tzinfo is UTC
    except ValueError as no:
        assert "Write" in str(no)  # noqa: PT017


def test_a_cut_needs_no_end() -> None:
    assert cut(None, None).is_now
    assert cut("2026-03-03", None).knew is None
