from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.web.pages import HERE, STATIC

SIGNALS = ("ok", "warn", "bad", "info", "idle", "won", "lost", "live")
STEPS = tuple(f"heat-{n}" for n in range(1, 11))
GROUNDS = ("paper", "surface", "sunken", "raised", "accent-wash")
TEXT_MIN, EDGE_MIN = 4.5, 3.0

TOKENS = (STATIC / "tokens.css").read_text("utf-8")
COLOURS = {
    name: (light, dark or light)
    for name, light, dark in re.findall(
        r"--([\w-]+): (?:light-dark\()?(#[0-9a-f]{6})(?:, (#[0-9a-f]{6})\))?;", TOKENS
    )
}


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str, theme: int) -> float:
    dark, light = sorted(luminance(COLOURS[name][theme]) for name in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("pair", [*SIGNALS, *STEPS, "past"])
def test_every_signal_and_step_can_be_read(pair: str, theme: int) -> None:
    assert contrast(f"{pair}-ink", f"{pair}-bg", theme) >= TEXT_MIN


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("ink", ["ink", "ink-soft", "accent", "accent-strong"])
def test_text_can_be_read_on_every_ground(ink: str, ground: str, theme: int) -> None:
    assert contrast(ink, ground, theme) >= TEXT_MIN


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "surface", "sunken", "raised"])
@pytest.mark.parametrize("edge", ["edge", "focus"])
def test_fields_and_focus_stand_out(edge: str, ground: str, theme: int) -> None:
    assert contrast(edge, ground, theme) >= EDGE_MIN


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    "pair",
    [
        ("rail-ink", "rail"),
        ("rail-soft", "rail"),
        ("rail-ink", "rail-here"),
        ("on-accent", "accent"),
    ],
)
def test_rail_and_buttons_can_be_read(pair: tuple[str, str], theme: int) -> None:
    assert contrast(*pair, theme) >= TEXT_MIN


TEMPLATES = sorted((HERE / "templates").glob("*.html"))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_templates_keep_to_the_policy(template: Path) -> None:
    text = template.read_text("utf-8")
    assert not re.search(r"\bbg-[a-z]+-lt\b|\bstatus-[a-z]+\b", text), "soft colours are unreadable"
    assert not re.search(r"\sstyle=", text), "styles live in style sheets"
    assert not re.search(r"\son[a-z]+=|hx-on|javascript:", text), "scripts live in files"
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text), "scripts live in files"
    assert "|safe" not in text, "everything is escaped"
    words = re.sub(r"{[{%#].*?[}%#]}|<[^>]*>", "", text, flags=re.DOTALL)
    assert "!" not in words, "sentences are calm"
    assert "successfully" not in words.lower()


def test_own_classes_are_not_those_of_the_framework() -> None:
    framework = (STATIC / "vendor/@tabler/core/1.6.1/tabler.min.css").read_text("utf-8")
    theirs = set(re.findall(r"\.([a-z][\w-]*)", framework))
    ours = {
        name
        for sheet in STATIC.glob("*.css")
        for name in re.findall(r"(?<=[\s,(:>])\.([a-z][\w-]*)", sheet.read_text("utf-8"))
    }
    assert ours & theirs <= {"btn", "btn-primary", "sortable-chosen", "sortable-ghost"}


def test_own_scripts_stay_small() -> None:
    for script in STATIC.glob("*.js"):
        assert len(script.read_text("utf-8").splitlines()) < 150, script.name
