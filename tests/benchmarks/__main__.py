"""``python -m tests.benchmarks [--only GROUP]``: takes every figure and compares it with its bar.

A group is a module of this folder with a function ``run() -> list[Measure]``. The exit code is
1 where a figure falls short of its bar.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from tests.benchmarks.measure import Measure, machine

NO_GROUPS = frozenset({"__init__", "__main__", "measure"})
NAMES = {"importing": "import"}
"""Groups whose name no module can have."""


def groups() -> dict[str, str]:
    """The modules that measure something, by the names of their groups."""
    found = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    return {NAMES.get(module, module): module for module in found if module not in NO_GROUPS}


def measure(group: str) -> list[Measure]:
    """A group's figures; none where the module only helps others."""
    run = getattr(importlib.import_module(f"tests.benchmarks.{groups()[group]}"), "run", None)
    taken: list[Measure] = run() if run else []
    return taken


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("--only", choices=groups(), help="take the figures of one group only")
    only = parser.parse_args().only
    print(machine(), flush=True)  # noqa: T201  # this is what it is for
    short = False
    for group in [only] if only else groups():
        for it in measure(group):
            print(it.line(), flush=True)  # noqa: T201
            short |= not it.holds
    return int(short)


if __name__ == "__main__":
    sys.exit(main())
