"""Prints the JSON Schema of a map: ``python -m commands.importing``."""

import json
import sys

from commands.importing import json_schema

sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
