"""Placeholders for the environment variables that an app's settings name: tests neither get nor need secrets."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pydantic
from pydantic import BaseModel

from framework_m_core.bootstrap.plugins.discovery import discover
from framework_m_core.bootstrap.plugins.trusted_folders import make_importable
from framework_m_core.bootstrap.settings.paths import KeyPath, find_field, find_leaf_values
from framework_m_core.bootstrap.settings.sources import find_config_file, gather_settings_models
from framework_m_core.bootstrap.settings.validation import locate_error, parse_value
from framework_m_core.domain.errors import ConfigurationError

__all__ = ["make_stand_ins"]

_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


def make_stand_ins(folder: Path, given: Collection[str]) -> Mapping[str, Any]:
    """Return placeholders for the settings that name variables, except those given, by `section.key`.

    A setting that accepts no placeholder text gets its default. Raises ConfigurationError for those that have no
    default either. Errors in the file itself are ignored here, since loading the settings reports them.
    """
    named = {path: value for path, value in _named(folder) if not _is_given(path, given)}
    models = gather_settings_models(make_importable(discover(folder), os.environ)) if named else {}
    found: dict[str, Any] = {}
    errors = []
    for (section, *keys), value in named.items():
        path, text = ".".join((section, *keys)), _with_placeholders(value)
        info = find_field(models[section], (*keys,)) if section in models else None
        if info is None or _takes(models[section], (*keys,), text):
            found[path] = text
        elif info.is_required():
            errors.append(
                f"[{section}] {'.'.join(keys)} is {value}, which has no placeholder in tests: "
                f"give it, settings={{{path!r}: …}}"
            )
        else:
            found[path] = info.get_default(call_default_factory=True)
    if errors:
        raise ConfigurationError("tests do not use environment variables:", errors)
    return found


def _is_given(path: KeyPath, given: Collection[str]) -> bool:
    """Return whether a test gives a setting, or the table that it is in."""
    return any(".".join(path[:length]) in given for length in range(2, len(path) + 1))


def _named(folder: Path) -> Iterator[tuple[KeyPath, Any]]:
    try:
        sections = tomllib.loads(find_config_file(folder).read_text(encoding="utf-8"))
    except (FileNotFoundError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return
    for path, value in find_leaf_values(sections):
        if len(path) > 1 and _with_placeholders(value) != value:
            yield path, value


def _with_placeholders(value: Any) -> Any:
    """Return a value with a placeholder for each variable, also in lists."""
    if isinstance(value, list):
        return [_with_placeholders(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_placeholders(item) for key, item in value.items()}
    return _VARIABLE.sub(r"a stand-in for the variable \1 in tests", value) if isinstance(value, str) else value


def _takes(model: type[BaseModel], path: KeyPath, value: Any) -> bool:
    """Return whether the setting accepts this value, regardless of the other settings."""
    table: Any = parse_value(model, path, value)
    for key in reversed(path):
        table = {key: table}
    try:
        model.model_validate(table)
    except pydantic.ValidationError as error:
        return all(locate_error(details, table)[: len(path)] != path for details in error.errors())
    return True
