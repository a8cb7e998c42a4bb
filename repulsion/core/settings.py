"""Settings: YAML files -> frozen dataclasses, validated by pydantic."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

from pydantic import ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import ArgsKwargs, CoreSchema, core_schema

from repulsion.core.errors import BadInput, one_line, require_one_of
from repulsion.core.files import read_yaml

Settings = TypeVar("Settings")

Count = Annotated[int, Field(ge=1, lt=2**31)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]  # what torch's generators take
Text = Annotated[str, Field(min_length=1)]
Device = Literal["cpu", "cuda"]  # a tracked choice, never a guess: a result says where it was computed
# Of a prompt, in one set. The second candidate for image k is particle k + MAX_IMAGES: never another image.
MAX_IMAGES = 1_000_000
Names = Annotated[tuple[Text, ...], Field(min_length=1)]


@dataclass(frozen=True)
class OneOf:
    """Annotates a text that must be a name of a registry: Annotated[str, OneOf(ENERGIES, "energy")]. The registry is
    read when a value is validated, so that names registered later pass; a JSON Schema lists those there are."""

    choices: Mapping[str, object]
    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.validated, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "enum": list(self.choices)}

    def validated(self, name: str) -> str:
        require_one_of(name, self.choices, self.kind)
        return name


@dataclass_transform(frozen_default=True)
def settings(cls: type[Settings]) -> type[Settings]:
    """A frozen dataclass whose fields pydantic validates, nested ones included: types are exact (an int passes for a
    float, nothing else is converted), numbers are finite, keys are known. Raises BadInput, in code as from a file."""
    config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
    validated = pydantic_dataclass(frozen=True, config=config)(cls)
    init = validated.__init__

    def __init__(self, *args: Any, **named: Any) -> None:
        try:
            init(self, *args, **named)
        except ValidationError as error:
            raise BadInput(described(error, cls)) from None

    validated.__init__ = __init__
    return validated


def load(kind: type[Settings], path: Path) -> Settings:
    """The YAML file at `path` as an instance of the settings class `kind`."""
    return strict(kind, read_yaml(path), str(path))


def strict(kind: type[Settings], values: Any, where: str) -> Settings:
    """A mapping as an instance of the settings class `kind`. Raises BadInput for the first value that is not valid: the
    place, the value received and what was expected."""
    try:
        require_text_keys(values, where)
        # in JSON pydantic takes a list for a tuple and a mapping for a dataclass, and still converts nothing
        text = json.dumps(values)
    except BadInput:
        raise
    except (TypeError, ValueError, RecursionError) as error:  # a date, a set, an anchor inside of itself
        raise BadInput(f"{where}: expected numbers, texts, lists and mappings: {one_line(error)}") from None
    return strict_json(kind, text, where)


def strict_json(kind: type[Settings], text: str, where: str) -> Settings:
    """A JSON text as an instance of the settings class `kind`. Raises BadInput as `strict` does, and for other text."""
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        raise BadInput(f"{where}: {described(error, kind)}") from None


def json_schema(kind: Any, title: str) -> str:
    """The JSON Schema of a settings class, or of a mapping to one, as a text: what editors complete and check by."""
    schema = TypeAdapter(kind).json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return json.dumps(head | {name: part for name, part in schema.items() if name != "title"}, indent=1) + "\n"


def require_text_keys(values: Any, where: str) -> None:
    """Raise BadInput for a mapping with a key that is not a text: JSON would make it one."""
    if isinstance(values, dict):
        for key, value in values.items():
            if not isinstance(key, str):
                raise BadInput(f"{where}: expected keys that are texts, got {key!r}")
            require_text_keys(value, f"{where}: {key}")
    elif isinstance(values, list):
        for value in values:
            require_text_keys(value, where)


# What was expected, by pydantic's name of the error; its context fills the braces.
EXPECTED = {
    "int_type": "int",
    "float_type": "float",
    "string_type": "str",
    "bool_type": "bool",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "too_short": "a {field_type} of at least {min_length}",
    "too_long": "a {field_type} of at most {max_length}",
    "string_pattern_mismatch": "a text like {pattern}",
    "dataclass_type": "a mapping",
    "string_too_short": "a text that is not empty",
    "finite_number": "a finite number",
    "greater_than_equal": "at least {ge:g}",
    "greater_than": "more than {gt:g}",
    "less_than_equal": "at most {le:g}",
    "less_than": "less than {lt:g}",
    "multiple_of": "a multiple of {multiple_of}",
    "literal_error": "one of {expected}",
    "json_invalid": "JSON ({error})",
}
SHOWN = 80  # characters of a value in a message
PYDANTIC_WORDS = {"Tuple": "list", "Dictionary": "mapping", "' or '": ", ", "', '": ", ", "'": ""}


def described(error: ValidationError, kind: type) -> str:
    """The first error of a validation as one line."""
    first = error.errors(include_url=False)[0]
    path = list(first["loc"])
    if path and isinstance(path[0], int):  # an argument by its position
        names = [f.name for f in fields(kind) if not f.kw_only]
        if path[0] >= len(names):
            return f"expected {', '.join(names)} by position, got more"
        path[0] = names[path[0]]
    *parents, last = path or [""]
    place, above = place_of(path), place_of(parents)
    if first["type"] == "unexpected_keyword_argument":
        return f"{above}unknown key {last!r}; expected {', '.join(f.name for f in fields(nested(kind, parents)))}"
    if first["type"] == "missing":
        given = first["input"]
        given = given.kwargs or {} if isinstance(given, ArgsKwargs) else given if isinstance(given, dict) else {}
        return f"{above}missing key {last!r}; got {', '.join(given) or 'nothing'}"
    if first["type"] == "value_error":
        return f"{place}{first['ctx']['error']}"
    template = EXPECTED.get(first["type"])
    expected = template.format(**first.get("ctx", {})) if template else first["msg"]
    for theirs, ours in PYDANTIC_WORDS.items():
        expected = expected.replace(theirs, ours)
    received = "" if first["type"] == "json_invalid" else f", got {shortened(first['input'])}"
    return f"{place}expected {expected}{received}"


def shortened(value: Any) -> str:
    """A value as it would be written in code, its beginning where that is long."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def place_of(path: list[str | int]) -> str:
    """A path of keys and positions in words, before what is said of it."""
    place = "".join(f"[{part}]" if isinstance(part, int) else f": {part}" for part in path).removeprefix(": ")
    return f"{place}: " if place else ""


def nested(kind: Any, path: list[str | int]) -> Any:
    """The settings class at a path of keys inside another one."""
    for part in path:
        hint = get_type_hints(kind)[part] if is_dataclass(kind) else get_args(kind)[-1 if isinstance(part, str) else 0]
        if get_origin(hint) in (UnionType, Union):
            hint = next(one for one in get_args(hint) if one is not NoneType)
        kind = hint
    return kind
