"""YAML that remembers its lines, so that an error can say where it is.

Plain scalars mean what they look like: only ``true``, ``false``, ``null``, whole and decimal
numbers are other than text. ``no`` is Norway, ``12:00`` is noon and ``2016-02-29`` is text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from commands.importing.errors import BadMap

MAP_CHARS_MAX = 1_000_000
NODES_MAX = 50_000
"""Scalars, lists and mappings in one document, each use of an anchor counted anew."""

Loc = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """SafeLoader with the scalars of the JSON schema alone."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("int", r"^-?(?:0|[1-9][0-9]*)$", "-0123456789"),
    ("float", r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document as plain data, with the line of each of its parts."""

    name: str
    data: Any
    lines: dict[Loc, int]

    def line(self, loc: Loc) -> int:
        """The line of a part, or of the nearest part around it. Steps that the document does
        not have (names of alternatives in a validation error) are passed over."""
        at: Loc = ()
        for step in loc:
            if (*at, step) in self.lines:
                at = (*at, step)
        return self.lines.get(at, 1)

    def bad(self, loc: Loc, message: str) -> BadMap:
        """An error at that part of the document."""
        return BadMap(self.name, message, line=self.line(loc))


def read_document(name: str, text: str) -> Document:
    """Reads one YAML document.

    Raises:
        BadMap: it is no YAML, too large, or has a key twice.
    """
    if len(text) > MAP_CHARS_MAX:
        raise BadMap(name, f"the map is longer than {MAP_CHARS_MAX:,} characters")
    try:
        return _read(name, text)
    except RecursionError as bad:
        raise BadMap(name, "the map is nested too deeply, or within itself") from bad
    except yaml.MarkedYAMLError as bad:
        mark = bad.problem_mark or bad.context_mark
        what = " ".join(part for part in (bad.context, bad.problem) if part)
        raise BadMap(
            name, f"not readable as YAML: {what}", line=mark.line + 1 if mark else None
        ) from bad
    except yaml.YAMLError as bad:
        raise BadMap(name, f"not readable as YAML: {bad}") from bad


def _read(name: str, text: str) -> Document:
    node = yaml.compose(text, Loader=_Loader)
    if node is None:
        raise BadMap(name, "the map is empty")
    builder = _Builder(name)
    return Document(name, builder.build(node, ()), builder.lines)


class _Builder:
    """Turns nodes into data and notes their lines."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes = 0
        self._scalars = yaml.constructor.SafeConstructor()
        self.lines: dict[Loc, int] = {}

    def build(self, node: yaml.Node, at: Loc) -> Any:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise BadMap(self._name, f"the map has more than {NODES_MAX:,} parts")
        self.lines.setdefault(at, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(part, (*at, n)) for n, part in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, at: Loc) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise BadMap(self._name, "a key has to be one word or text", line=line)
            key = str(key_node.value)
            if key in data:
                raise BadMap(self._name, f"the key “{key}” is here twice", line=line)
            self.lines[(*at, key)] = line
            data[key] = self.build(value_node, (*at, key))
        return data

    def _scalar(self, node: yaml.Node) -> Any:
        try:
            return self._scalars.construct_object(node)
        except yaml.YAMLError as bad:
            line = node.start_mark.line + 1
            raise BadMap(self._name, f"“{node.value}” cannot be read", line=line) from bad
