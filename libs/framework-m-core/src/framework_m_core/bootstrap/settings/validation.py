"""Validation of the values of all sections, with every error and its origin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pydantic
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from framework_m_core.bootstrap.settings.paths import (
    FORMER_NAME,
    KeyPath,
    field_of,
    find_field,
    find_named_fields,
    format_path,
    is_list,
    is_table,
)
from framework_m_core.bootstrap.settings.values import SettingValues
from framework_m_core.domain.suggestions import did_you_mean

__all__ = ["explain", "explain_unknown_key", "locate_error", "parse_value", "validate_sections"]

_NO_TABLE = {"dict_type", "mapping_type", "model_type", "model_attributes_type"}


def validate_sections(
    models: Mapping[str, type[BaseModel]], values: SettingValues, errors: list[str]
) -> dict[str, BaseModel]:
    """Return the sections as models, and append the errors to `errors`."""
    sections = {}
    for section, table in values.tables.items():
        model = models.get(section)
        if model is None:
            known = ", ".join(sorted(models))
            errors.append(f"{values.origin_of((section,))}: there is no section [{section}]: expected one of {known}")
            continue
        for path in [*_unknown_paths(model, table)]:
            errors.append(f"{values.origin_of((section, *path))}: {explain_unknown_key(section, model, path)}")
            _delete(table, path)
        try:
            sections[section] = model.model_validate(parse_value(model, (), table))
        except pydantic.ValidationError as error:
            errors.extend(_explain(section, details, values) for details in _told(section, error, values))
    return sections


def parse_value(model: type[BaseModel], path: KeyPath, value: Any) -> Any:
    """Return a value as expected by a model at a path; text for a list setting is split at commas, also in tables."""
    if isinstance(value, dict):
        return {key: parse_value(model, (*path, key), below) for key, below in value.items()}
    info = find_field(model, path)
    if info is None or not isinstance(value, str) or not is_list(info.annotation):
        return value
    return [item.strip() for item in value.split(",") if item.strip()]


def explain_unknown_key(section: str, model: type[BaseModel], path: KeyPath) -> str:
    """Return the error for a path whose last key is unknown, with the key that was meant."""
    *tables, key = path
    above = find_field(model, (*tables,))
    known = find_named_fields(model if above is None else above.annotation)
    for name, info in known.items():
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get(FORMER_NAME) == key:
            return f"{_name(section, (*tables,))} {key} is now called {name}: rename it"
    suggestion = did_you_mean(key, known) or f": expected one of {', '.join(known)}"
    return f"{_name(section, (*tables,))} has no setting {key!r}{suggestion}"


def locate_error(details: ErrorDetails, table: Any) -> KeyPath:
    """Return the keys of an error's location, without the names of types that unions add."""
    path: list[str] = []
    parts = details["loc"]
    for position, part in enumerate(parts, 1):
        if isinstance(table, dict) and str(part) in table:
            table = table[str(part)]
        elif not isinstance(table, dict) or position < len(parts) or details["type"] != "missing":
            continue
        path.append(str(part))
    return tuple(path)


def explain(details: ErrorDetails) -> str:
    """Return the message of an error, without its place."""
    if details["type"] == "missing":
        return "expected a value, got none"
    if details["type"] in _NO_TABLE:
        return f"expected a table, got {'a text' if isinstance(details['input'], str) else 'another value'}"
    if isinstance(details["input"], dict) and details["type"].endswith(("_type", "_parsing")):
        return "expected a value, got a table"
    return details["msg"].removeprefix("Value error, ")


def _explain(section: str, details: ErrorDetails, values: SettingValues) -> str:
    path = locate_error(details, values.tables[section])
    known = path if details["type"] != "missing" else path[:-1]
    return f"{values.origin_of((section, *known))}: {_name(section, path)}: {explain(details)}"


def _told(section: str, error: pydantic.ValidationError, values: SettingValues) -> Iterator[ErrorDetails]:
    """Yield the errors, but none for settings missing for an unset variable, which is reported itself."""
    for details in error.errors():
        if (
            details["type"] != "missing"
            or (section, *locate_error(details, values.tables[section])) not in values.dropped
        ):
            yield details


def _name(section: str, path: KeyPath) -> str:
    return f"[{section}] {format_path(path)}" if path else f"[{section}]"


def _unknown_paths(annotation: Any, table: Mapping[str, Any], path: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the keys that no model in the tables has, whether the model would refuse or ignore them."""
    for key, value in table.items():
        info = field_of(annotation, key)
        if info is None:
            yield (*path, key)
        elif isinstance(value, dict) and is_table(info.annotation):
            yield from _unknown_paths(info.annotation, value, (*path, key))


def _delete(table: dict[str, Any], path: KeyPath) -> None:
    for key in path[:-1]:
        table = table[key]
    del table[path[-1]]
