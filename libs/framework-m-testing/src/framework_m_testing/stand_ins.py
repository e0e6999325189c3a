"""Placeholders for the environment variables that an app's settings name: tests neither get nor need secrets."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pydantic
from pydantic import BaseModel

from framework_m_core.bootstrap.plugins.discovery import discover
from framework_m_core.bootstrap.settings.sources import config_file, settings_models, typed
from framework_m_core.domain.errors import ConfigurationError

__all__ = ["stand_ins"]

_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")


def stand_ins(folder: Path, given: Collection[str]) -> Mapping[str, Any]:
    """Return placeholders for the settings that name variables, except those given, by `section.key`.

    A setting that accepts no placeholder text gets its default. Raises ConfigurationError for those that have no
    default either. Errors in the file itself are ignored here, since loading the settings reports them.
    """
    named = {path: value for path, value in _named(folder) if path not in given}
    models = settings_models(discover(folder)) if named else {}
    found: dict[str, Any] = {}
    problems = []
    for path, value in named.items():
        section, _, key = path.partition(".")
        text = _VARIABLE.sub(r"a stand-in for the variable \1 in tests", value)
        if section not in models or _takes(models[section], key, text):
            found[path] = text
        elif (info := models[section].model_fields[key]).is_required():
            problems.append(
                f"[{section}] {key} is {value}, which has no placeholder in tests: give it, settings={{{path!r}: …}}"
            )
        else:
            found[path] = info.get_default(call_default_factory=True)
    if problems:
        raise ConfigurationError("tests do not use environment variables:", problems)
    return found


def _named(folder: Path) -> Iterator[tuple[str, str]]:
    try:
        sections = tomllib.loads(config_file(folder).read_text(encoding="utf-8"))
    except (FileNotFoundError, tomllib.TOMLDecodeError, UnicodeDecodeError):
        return
    for section, entries in sections.items():
        for key, value in entries.items() if isinstance(entries, dict) else ():
            if isinstance(value, str) and _VARIABLE.search(value):
                yield f"{section}.{key}", value


def _takes(model: type[BaseModel], key: str, text: str) -> bool:
    """Return whether the setting accepts this text, regardless of the other settings."""
    if key not in model.model_fields:
        return True
    try:
        model.model_validate({key: typed(model, key, text)})
    except pydantic.ValidationError as error:
        return all(fault["loc"][:1] != (key,) for fault in error.errors())
    return True
