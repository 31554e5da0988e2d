"""The house as it is laid out: who may know whom, what files are called, how long they get."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("domain", "commands", "projections", "event_store", "replay", "api")
MODULES = sorted(
    file.relative_to(ROOT) for room in (*ROOMS, "tests") for file in (ROOT / room).rglob("*.py")
)

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 40
LUMBER_ROOMS = {"utils", "util", "helpers", "services", "managers"}


def _tree(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of what it does: without its signature, its docstring and the functions in it."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    if not body:
        return 0
    inner = [f for statement in body for f in _functions(statement)]
    within = {line for f in inner for line in range(f.lineno, _end(f) + 1)}
    return len(set(range(body[0].lineno, _end(body[-1]) + 1)) - within)


def _end(node: ast.stmt) -> int:
    assert node.end_lineno is not None
    return node.end_lineno


def test_rooms_know_only_whom_they_may() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_room_is_a_lumber_room() -> None:
    assert not [str(m) for m in MODULES if {*m.with_suffix("").parts} & LUMBER_ROOMS]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_file_is_about_one_thing(module: Path) -> None:
    lines = (ROOT / module).read_text(encoding="utf-8").count("\n")
    assert lines < FILE_LINES_MAX


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_function_does_one_thing(module: Path) -> None:
    long = {
        f.name: n for f in _functions(_tree(module)) if (n := _body_lines(f)) > FUNCTION_LINES_MAX
    }
    assert not long


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_says_what_it_is_for(module: Path) -> None:
    tree = _tree(module)
    if module.parts[0] != "tests" and tree.body:
        assert ast.get_docstring(tree), "a module of a room has a docstring"
    if any(_functions(tree)):
        assert any(
            isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body
        ), "from __future__ import annotations"
