"""Stores the samples that are missing: ``python -m tests.golden``."""

from __future__ import annotations

import sys

from tests.golden.samples import write_missing

for file in write_missing():
    sys.stdout.write(f"{file.name}\n")
