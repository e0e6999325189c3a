"""Fields as `m new doctype` accepts them, such as `"price: Decimal"`, and their source code."""

from __future__ import annotations

import ast
import json
import keyword
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.compilation.checks.doctypes import check_field_name

__all__ = ["NewField", "format_field", "parse_field"]

_FIELD: Final = re.compile(r"\s*(?P<name>\w+)\s*:\s*(?P<type>.+?)\s*(?P<optional>\|\s*None\s*)?")
_CHOICES: Final = re.compile(r"Literal\[(.+)\]")
_ROWS: Final = re.compile(r"list\[(\w+)\]")
_LINE: Final = 120
_MAX_CHOICES: Final = 40

_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "str": ("str", ""),
    "int": ("int", ""),
    "float": ("float", ""),
    "bool": ("bool", ""),
    "date": ("date", "from datetime import date"),
    "datetime": ("datetime", "from datetime import datetime"),
    "Decimal": ("Decimal", "from decimal import Decimal"),
    "UUID": ("UUID", "from uuid import UUID"),
    "bytes": ("bytes", ""),
    "dict": ("dict[str, Any]", "from typing import Any"),
}
"""For each type, its annotation and the import that it needs."""

_OPTIONS: Final = {"str": ("min_length=1", "max_length=200"), "Decimal": ("scale=2",)}


@dataclass(frozen=True, slots=True)
class NewField:
    """A field to be generated: its annotation, the arguments of its `Field(…)`, and the imports that it needs."""

    name: str
    annotation: str
    arguments: tuple[str, ...]
    imports: tuple[str, ...] = ()
    rows: bool = False


def parse_field(
    text: str, documents: Collection[str], children: Mapping[str, type[BaseModel]], types: Mapping[str, type]
) -> NewField:
    """Parse a field such as `name: type`; `types` are the classes of field types.

    Raises ConfigurationError with a suggestion.
    """
    found = _FIELD.fullmatch(text)
    if not found:
        raise ConfigurationError(f"--field {text!r}: expected a name, a colon and a type, such as 'price: Decimal'")
    if "=" in found["type"]:
        raise ConfigurationError(
            f"--field {text!r}: expected `{found['name']}: type` without a default: write it into the file"
        )
    name, word, optional = found["name"], found["type"], bool(found["optional"])
    for error in _check_name(name):
        raise ConfigurationError(f"--field {text!r}: {error}")
    if (rows := _ROWS.fullmatch(word)) and rows[1] in _LISTED and not optional:
        return NewField(name, word, (), (), rows=True)
    if rows:
        return _rows(text, name, rows[1], children, optional)
    if choices := _CHOICES.fullmatch(word):
        return _scalar(name, _literal(text, choices[1]), (), optional, "from typing import Literal")
    if word in documents:
        return _scalar(name, "UUID", (f'link="{word}"',), optional, _TYPES["UUID"][1])
    if word in types:
        return _scalar(name, word, (), optional, f"from {types[word].__module__} import {word}")
    annotation, needed = _typed(text, word, [*types, *documents, *(f"list[{child}]" for child in children)])
    return _scalar(name, annotation, _OPTIONS.get(word, ()), optional, needed)


_LISTED = frozenset({"int", "str"})
"""The types of elements of a list that is stored in the field itself."""


def format_field(field: NewField) -> str:
    """Return the formatted line or lines that declare a field."""
    head = f"    {field.name}: {field.annotation}"
    if field.rows:
        return f"{head} = []"
    if not field.arguments:
        return head
    arguments = ", ".join(field.arguments)
    line = f"{head} = Field({arguments})"
    return line if len(line) <= _LINE else f"{head} = Field(\n        {arguments}\n    )"


def _check_name(name: str) -> Iterator[str]:
    yield from check_field_name(name)
    if keyword.iskeyword(name):
        yield f"{name!r} is a Python keyword: choose another name"
    if name in _TYPES or name == "list":
        yield f"{name!r} is the name of a type, which the field would hide: choose another name"
    if hasattr(BaseModel, name):
        yield f"{name!r} is a method of every document: choose another name"


def _typed(text: str, word: str, more: Collection[str]) -> tuple[str, str]:
    if word in _TYPES:
        return _TYPES[word]
    known = [*_TYPES, "Literal['a', 'b']", *more]
    meant = did_you_mean(word, known) or f": known are {', '.join(known)}"
    raise ConfigurationError(f"--field {text!r}: expected a known type, got {word!r}{meant}")


def _rows(text: str, name: str, child: str, children: Mapping[str, type[BaseModel]], optional: bool) -> NewField:
    if child not in children:
        known = did_you_mean(child, children) or f": create it first, `m new doctype {child} --child`"
        raise ConfigurationError(f"--field {text!r}: the app has no child table {child!r}{known}")
    if optional:
        raise ConfigurationError(f"--field {text!r}: a list of rows is empty, never None: remove '| None'")
    needed = f"from {children[child].__module__} import {child}"
    return NewField(name, f"list[{child}]", (), (needed,), rows=True)


def _literal(text: str, inside: str) -> str:
    try:
        choices = ast.literal_eval(f"({inside},)")
    except (SyntaxError, ValueError):
        choices = ()
    if not choices or not all(isinstance(choice, str) for choice in choices):
        raise ConfigurationError(f"--field {text!r}: expected texts to choose from, such as Literal['Open', 'Done']")
    quoted = ", ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
    if len(quoted) > _MAX_CHOICES:
        raise ConfigurationError(f"--field {text!r}: too many choices for one line: write an Enum by hand")
    return f"Literal[{quoted}]"


def _scalar(name: str, annotation: str, arguments: tuple[str, ...], optional: bool, needed: str) -> NewField:
    imports = (needed,) if needed else ()
    if optional:
        kept = tuple(argument for argument in arguments if argument != "min_length=1")
        return NewField(name, f"{annotation} | None", ("default=None", *kept), imports)
    if annotation.startswith("dict"):
        return NewField(name, annotation, ("default_factory=dict",), imports)
    return NewField(name, annotation, arguments, imports)
