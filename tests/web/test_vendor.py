from __future__ import annotations

import re

import pytest

from api.web import vendor
from api.web.pages import HERE, STATIC

PACKAGES = vendor.locked()


def test_every_vendored_file_is_the_one_that_is_locked() -> None:
    assert vendor.wrong(PACKAGES) == []


def test_no_file_is_vendored_that_is_not_locked() -> None:
    stored = {path for folder in {p.into for p in PACKAGES} for path in _files(folder)}
    assert stored == {path for package in PACKAGES for path, _ in package.stored()}


def _files(folder: str) -> list[object]:
    return [path for path in (vendor.ROOT / folder).rglob("*") if path.is_file()]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda p: p.name)
def test_every_package_brings_its_licence(package: vendor.Package) -> None:
    assert package.licence
    assert (package.folder / "LICENSE").read_text("utf-8").strip()


def test_a_changed_file_is_found_out() -> None:
    package = PACKAGES[0]
    path = next(iter(package.files))
    changed = vendor.Package(
        package.name, package.version, package.licence, package.into, {path: "sha384-other"}
    )
    assert "not sha384-other" in vendor.wrong([changed])[0]


def test_the_sprite_holds_every_icon_that_pages_use() -> None:
    sprite = next(p for p in PACKAGES if p.icons)
    sources = [p.read_text("utf-8") for p in (HERE / "templates").glob("*.html")]
    sources += [p.read_text("utf-8") for p in HERE.glob("*.py")]
    used = {name for text in sources for name in re.findall(r'icon\("([a-z-]+)"\)', text)}
    assert used <= set(sprite.icons)


def test_addresses_of_vendored_files_in_templates_exist() -> None:
    for page in (HERE / "templates").glob("*.html"):
        for path in re.findall(r"asset\('([^']+)'\)", page.read_text("utf-8")):
            assert (STATIC / path).is_file(), f"{page.name}: {path}"
