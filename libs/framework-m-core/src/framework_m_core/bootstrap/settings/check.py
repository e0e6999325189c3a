"""Validation of a single setting before it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pydantic
from pydantic import BaseModel, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from framework_m_core.bootstrap.plugins.binding import find_variants, resolve_bindings
from framework_m_core.bootstrap.plugins.discovery import Discovered
from framework_m_core.bootstrap.settings.paths import (
    ANY_KEY,
    KeyPath,
    find_field,
    find_leaf_fields,
    find_named_fields,
    format_path,
    has_secret,
    to_tables,
)
from framework_m_core.bootstrap.settings.sources import gather_settings_models
from framework_m_core.bootstrap.settings.validation import explain, explain_unknown_key, locate_error, parse_value
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import did_you_mean

__all__ = ["check_setting", "is_secret_setting", "model_of"]

_CHOICES = "adapters"
_OWN_MESSAGES = {"assertion_error", "value_error"}


def model_of(discovered: Discovered, section: str, path: KeyPath) -> type[BaseModel]:
    """Return the model of the section of a setting. Raises ConfigurationError with a suggestion for an unknown one."""
    models = gather_settings_models(discovered)
    model = models.get(section)
    if model is None:
        raise ConfigurationError(f"there is no section [{section}]{_suggestion(section, models)}")
    for length in range(1, len(path) + 1):
        if find_field(model, path[:length]) is None:
            raise ConfigurationError(explain_unknown_key(section, model, path[:length]))
    return model


def is_secret_setting(discovered: Discovered, section: str, path: KeyPath) -> bool:
    """Return whether a setting is secret. Raises ConfigurationError as `model_of` does."""
    info = find_field(model_of(discovered, section, path), path)
    return info is not None and has_secret(info.annotation)


def check_setting(
    discovered: Discovered, section: str, path: KeyPath, value: str | Sequence[str], *, given: str | None = None
) -> Any:
    """Return the value of a text, parsed like an environment variable.

    `given` is the original text if it contained variables; error messages then hide their values, and secrets always.
    Raises ConfigurationError stating what was expected.
    """
    model, key = model_of(discovered, section, path), format_path(path)
    hidden = given is not None or is_secret_setting(discovered, section, path)
    info = find_field(model, path)
    if info is not None and find_named_fields(info.annotation):
        raise ConfigurationError(f"[{section}] {key} is a table: expected one of {_settings_in(info, section, path)}")
    if section == _CHOICES:
        return _check_adapter(discovered, key, value, given if hidden else None)
    found, checked = _validate(model, path, value)
    if found:
        message = "; ".join(_message(details, info, hidden) for details in found)
        got = f", got {given if hidden else value!r}" if given or not hidden else ""
        raise ConfigurationError(f"[{section}] {key}: {message.removesuffix(got)}{got}")
    return checked


def _validate(model: type[BaseModel], path: KeyPath, value: Any) -> tuple[list[ErrorDetails], Any]:
    """Return the errors of one setting, and its value. What else the section needs may be set elsewhere."""
    parsed = parse_value(model, path, value)
    table: Any = parsed
    for key in reversed(path):
        table = {key: table}
    try:
        section: Any = to_tables(model.model_validate(table))
    except pydantic.ValidationError as error:
        found = [
            details
            for details in error.errors()
            if details["type"] != "missing" or locate_error(details, table) == path
        ]
        info = find_field(model, path)
        annotation: Any = Any if info is None else info.annotation
        return found, None if found else TypeAdapter(annotation).validate_python(parsed)
    for key in path:
        section = section[key]
    return [], section


def _check_adapter(discovered: Discovered, port: str, value: str | Sequence[str], given: str | None) -> Any:
    """Return the name of an adapter. Raises ConfigurationError if it is not installed."""
    try:
        resolve_bindings({port: str(value)}, find_variants(discovered), discovered)
    except ConfigurationError:
        if given is None:
            raise
        raise ConfigurationError(f"[{_CHOICES}] {port}: {given} does not name an installed adapter") from None
    return value


def _message(details: ErrorDetails, info: FieldInfo | None, hidden: bool) -> str:
    """Return the error message; for a hidden value, a validator's own is replaced, as it may contain the value."""
    if hidden and details["type"] in _OWN_MESSAGES:
        return f"expected a value for: {info.description}" if info and info.description else "the value is not valid"
    return explain(details)


def _settings_in(info: FieldInfo, section: str, path: KeyPath) -> str:
    found = (
        format_path((section, *path, *below)) for below, _ in find_leaf_fields(info.annotation) if ANY_KEY not in below
    )
    return ", ".join(found)


def _suggestion(word: str, known: Mapping[str, object]) -> str:
    return did_you_mean(word, known) or f": expected one of {', '.join(sorted(known))}"
