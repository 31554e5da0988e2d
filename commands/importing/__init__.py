"""Files in, commands out: the mapping language, dry runs and resumable imports.

``load`` a map with its files, ``dry_run`` it for a verdict on each row, ``run`` it.
"""

from commands.importing.deciding import KINDS, Verdict
from commands.importing.errors import BadFile, BadMap, ImportRefused
from commands.importing.language import json_schema
from commands.importing.plan import Plan, load
from commands.importing.running import Progress, Summary, dry_run, known, run

__all__ = [
    "KINDS",
    "BadFile",
    "BadMap",
    "ImportRefused",
    "Plan",
    "Progress",
    "Summary",
    "Verdict",
    "dry_run",
    "json_schema",
    "known",
    "load",
    "run",
]
