"""The mapping language: what a map may say, word by word. See ``docs/importing.md``."""

from __future__ import annotations

from datetime import date as day
from datetime import time
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)
from typing_extensions import TypeAliasType

from commands.importing.conditions import Condition

STEPS_MAX = 50
"""Commands that one row may become."""


class Part(BaseModel):
    """A part of a map: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _text(value: Any) -> Any:
    """A scalar as it would stand in a file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError) as bad:
        raise ValueError(
            f"“{name}” is no time zone; they are named like “Europe/Berlin” or “UTC”"
        ) from bad
    return name


def _time(value: str) -> str:
    try:
        time.fromisoformat(value)
    except ValueError as bad:
        raise ValueError(f"“{value}” is no time of day, such as “12:00”") from bad
    return value


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except LookupError as bad:
        raise ValueError(f"“{name}” is no encoding of text") from bad
    return name


Scalar = str | int | float | bool
CellText = Annotated[str, BeforeValidator(_text, json_schema_input_type=Scalar)]
"""A text as it stands in a file; numbers and true/false may be written without quotes."""
Zone = Annotated[str, AfterValidator(_zone)]
TimeOfDay = Annotated[str, BeforeValidator(_text), AfterValidator(_time)]
Encoding = Annotated[str, AfterValidator(_encoding)]
Word = Annotated[str, Field(min_length=1)]
_one_or_more = BeforeValidator(_listed, json_schema_input_type=Word | list[Word])
_texts = BeforeValidator(_listed, json_schema_input_type=Scalar | list[Scalar])
Words = Annotated[list[Word], _one_or_more, Field(min_length=1)]
CellTexts = Annotated[list[CellText], _texts]

ColumnType = Literal["text", "integer", "decimal", "boolean", "date", "datetime"]


def _short(value: Any) -> Any:
    """``revenue: decimal`` for ``revenue: {type: decimal}``."""
    if value is None:
        return {}
    return {"type": value} if isinstance(value, str) else value


class Column(Part):
    """What stands in a column and how it is read."""

    header: Words | None = Field(
        None,
        description="The column's header in the file, if that is not its name here; several "
        "are put together with a space between, as a date and a time.",
    )
    type: ColumnType = "text"
    required: bool = Field(False, description="Whether a row with an empty cell is refused.")
    default: CellText | None = Field(
        None,
        description="What an empty cell means, written as in the file. A column with a default "
        "may be missing in the file.",
    )
    values: dict[str, CellText] = Field(
        default_factory=dict, description="What is read in place of the text in the file."
    )
    only: bool = Field(False, description="Whether a text that `values` does not name is refused.")
    empty: CellTexts = Field(
        default_factory=list, description="Texts that mean an empty cell, such as `N/A`."
    )
    split: str = Field("", description="What separates several texts in a cell, such as `;`.")
    part: Annotated[int, Field(ge=1)] = Field(
        1, description="Which of the separated texts is meant; empty if there are fewer."
    )
    trim: bool = Field(True, description="Whether white space around a text is cut off.")
    strip: str = Field("", description="More characters to cut off at both ends, such as `$`.")
    formats: Words = Field(
        default_factory=lambda: ["iso"],
        description="Forms of dates and times, tried in this order: `iso`, or strptime codes.",
    )
    decimal: Annotated[str, Field(min_length=1, max_length=1)] = Field(
        ".", description="The decimal mark."
    )
    group: Annotated[str, Field(max_length=1)] = Field(
        "", description="The mark between groups of three digits."
    )
    zone: Zone | None = Field(None, description="Time zone of times that do not say theirs.")
    true: CellTexts = ["true", "yes", "y", "1"]
    false: CellTexts = ["false", "no", "n", "0"]

    @model_validator(mode="after")
    def _marks_differ(self) -> Column:
        if self.decimal == self.group:
            raise ValueError("the decimal mark and the group mark are the same")
        return self


ShortColumn = Annotated[
    Column, BeforeValidator(_short, json_schema_input_type=Column | ColumnType | None)
]


class Constant(Part):
    """The same value in every row."""

    value: Any


class Template(Part):
    """A text made of columns: `{first} {last}`."""

    text: str


class NewId(Part):
    """The id of the record that the command creates: made from the key, the same each time."""

    id: Value


class Reference(Part):
    """The id of another record, found by its key. It has to exist."""

    ref: Word = Field(description="The kind of record: `account`.")
    key: Value
    source: Word | None = Field(None, description="The `source` of the map that brought it.")
    if_missing: Literal["refuse", "leave_empty"] = "refuse"


class Nested(Part):
    """A part with fields of its own, such as a line of an order."""

    fields: dict[str, Value]


_FORMS = {
    "value": "constant",
    "text": "template",
    "id": "new_id",
    "ref": "reference",
    "fields": "nested",
}
_TAGS: dict[type, str] = {
    Constant: "constant",
    Template: "template",
    NewId: "new_id",
    Reference: "reference",
    Nested: "nested",
}


def _form(value: Any) -> str | None:
    if isinstance(value, str):
        return "column"
    if isinstance(value, list):
        return "list"
    if isinstance(value, dict):
        return next((form for key, form in _FORMS.items() if key in value), None)
    return _TAGS.get(type(value))


Value = TypeAliasType(
    "Value",
    Annotated[
        Annotated[str, Tag("column")]
        | Annotated[Constant, Tag("constant")]
        | Annotated[Template, Tag("template")]
        | Annotated[NewId, Tag("new_id")]
        | Annotated[Reference, Tag("reference")]
        | Annotated[Nested, Tag("nested")]
        | Annotated["list[Value]", Tag("list")],
        Discriminator(
            _form,
            custom_error_type="value_form",
            custom_error_message="a value is a column’s name, {value: …}, {text: …}, {id: …}, "
            "{ref: …, key: …}, {fields: …} or a list of values",
        ),
    ],
)
"""Where the value of a command's field comes from."""


class At(Part):
    """When it was true: as a column says, or on one day for all rows."""

    column: Word | None = None
    date: day | None = None
    time: TimeOfDay | None = Field(None, description="The time of day for a date without one.")
    if_empty: Literal["refuse", "now"] = Field(
        "refuse", description="What becomes of a row that does not say when."
    )

    @model_validator(mode="after")
    def _is_one_of_both(self) -> At:
        if (self.column is None) == (self.date is None):
            raise ValueError("“at” names a column or a date")
        return self


def _at(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


class Step(Part):
    """One command that a row becomes."""

    command: Word
    when: Condition | None = Field(None, description="Which rows it is for. All, if not said.")
    at: Annotated[At, BeforeValidator(_at, json_schema_input_type=Word | At)] | None = Field(
        None, description="The column that says when it was true. Now, if not said."
    )
    if_exists: Literal["duplicate", "refuse", "skip", "change"] = Field(
        "duplicate", description="What to do if the record of `id` is there already."
    )
    fields: dict[str, Value]


class Table(Part):
    """Files of one kind, how they are read and what their rows become."""

    match: Words = Field(description="Names or patterns (`deals-*.csv`) of the files.")
    encoding: Encoding = "utf-8"
    separator: Annotated[str, Field(min_length=1)] = Field(
        ",", description="One character, or `tab`, or `whitespace`."
    )
    quote: Annotated[str, Field(max_length=1)] = Field('"', description="Empty for none.")
    header: bool = Field(True, description="Whether the first line names the columns.")
    names: list[str] = Field(
        default_factory=list, description="Names of the columns of a file without a header."
    )
    skip: Annotated[int, Field(ge=0)] = Field(0, description="Lines to pass over at the start.")
    comment: str = Field("", description="Lines that begin with this are passed over.")
    zone: Zone | None = None
    columns: dict[str, ShortColumn] = Field(default_factory=dict)
    sort_by: Annotated[list[Word], _one_or_more] = Field(
        default_factory=list,
        description="Columns whose values give the order of the rows; ties keep file order.",
    )
    do: list[Step] = Field(min_length=1, max_length=STEPS_MAX)

    @model_validator(mode="after")
    def _is_readable(self) -> Table:
        if len(self.separator) > 1 and self.separator not in ("tab", "whitespace"):
            raise ValueError("a separator is one character, “tab” or “whitespace”")
        if self.header == bool(self.names):
            raise ValueError(
                "a file without a header (header: false) needs the names of its columns, "
                "and only such a file"
            )
        return self


class SetupStep(Part):
    """A command that is carried out once, before the rows. Its fields are constants, but for
    {id: key} and {ref: noun, key: key}."""

    command: Word
    at: day | None = Field(
        None, description="The day when it was so; without it, the moment of the import."
    )
    fields: dict[str, Any]


class Map(Part):
    """How files become commands."""

    source: Word = Field(
        description="Where the files come from. With the kind of record and its key it makes "
        "the ids, so that files of one source find each other's records."
    )
    zone: Zone = "UTC"
    time_of_day: TimeOfDay = Field(
        "12:00", description="The time of day, in the zone, of dates without one."
    )
    setup: list[SetupStep] = Field(default_factory=list, max_length=STEPS_MAX)
    files: list[Table] = Field(min_length=1)


for _model in (NewId, Reference, Nested, Step, Table, Map):
    _model.model_rebuild()


WORDS = sorted({word for part in Part.__subclasses__() for word in part.model_fields})
"""All keys that a map may have somewhere."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a map, for editors that complete and check YAML."""
    schema = Map.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
