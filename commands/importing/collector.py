"""Python's collector of cycles, kept from looking through millions of rows in vain."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_asleep() -> Iterator[None]:
    """Rows become many objects and no cycles of them. Looking for cycles among them again and
    again took a third of the time of an import, measured; so it is done now and then only, by
    ``collect_young``, when most of them are gone again."""
    awake = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if awake:
            gc.enable()


def collect_young() -> None:
    """Looks through the objects that came since the last time, once."""
    gc.collect(0)
