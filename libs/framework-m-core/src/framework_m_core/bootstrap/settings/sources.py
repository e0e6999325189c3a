"""Settings: defaults, then `framework_config.toml`, then the environment; typed, with all errors reported at once."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

import pydantic
from pydantic import BaseModel

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Discovered
from framework_m_core.bootstrap.settings.models import AdapterSettings, FrameworkSettings, Settings
from framework_m_core.bootstrap.settings.secrets import fill_secrets
from framework_m_core.domain.errors import ConfigurationError

__all__ = ["CONFIG_FILE", "config_file", "load_settings", "settings_models", "typed"]

CONFIG_FILE = "framework_config.toml"
SETTINGS_GROUP = "framework_m.settings"
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_ENVIRONMENT = re.compile(r"M_(.+?)__(.+)")


def load_settings(
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    secrets: bool = True,
    needs_app: bool = False,
) -> Settings:
    """Load all settings for an app's folder. Raises ConfigurationError listing all errors.

    `overrides` maps `"section.key"` to a value and takes precedence over all sources; command-line options use it.
    Without `secrets`, missing secrets stay unset: for inspecting settings, not for running with them. With `needs_app`,
    a folder without an app is rejected before anything is created there.
    """
    environment = os.environ if environment is None else environment
    problems: list[str] = []
    discovered = discovery.discover(folder)
    models = settings_models(discovered)
    file = _find(folder)
    values: dict[str, dict[str, Any]] = {section: {} for section in models}
    origins: dict[tuple[str, str], str] = {}
    if file:
        _take_file(file, values, origins, problems)
    _take_environment(environment, values, origins)
    problems += _one_underscore(environment, models)
    for path, value in (overrides or {}).items():
        section, _, key = path.partition(".")
        _set(values, origins, section, key, value, "command line")
    _expand(values, environment, problems)
    root = file.parent if file else discovered.folder or folder
    sections = _validate(models, values, origins, problems)
    if problems:
        raise ConfigurationError("the configuration is not valid:", problems)
    settings = Settings(sections, origins, root.resolve(), discovered)
    if needs_app and settings.framework.apps is None and not settings.local_apps:
        raise ConfigurationError(
            f"there is no app in {folder}: create one with `m new app shop`; expected a pyproject.toml with "
            '[project.entry-points."framework_m.apps"] and a line such as shop = "shop", or [framework] apps'
        )
    return fill_secrets(settings) if secrets else settings


def config_file(folder: Path) -> Path:
    """Return the configuration file of a folder, or the path to create one at: beside the app's pyproject.toml."""
    return _find(folder) or (discovery.discover(folder).folder or folder) / CONFIG_FILE


def settings_models(discovered: Discovered) -> dict[str, type[BaseModel]]:
    """Return the typed models of all sections, by name."""
    own: dict[str, type[BaseModel]] = {"framework": FrameworkSettings, "adapters": AdapterSettings}
    return own | {choice.name: discovery.load(choice) for choice in discovered.choices(SETTINGS_GROUP)}


def _find(folder: Path) -> Path | None:
    return next((path for place in (folder, *folder.parents) if (path := place / CONFIG_FILE).is_file()), None)


def _take_file(
    file: Path, values: dict[str, dict[str, Any]], origins: dict[tuple[str, str], str], problems: list[str]
) -> None:
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{file}: not valid TOML: {error}")
        return
    for section, entries in content.items():
        if not isinstance(entries, dict):
            problems.append(f"{file}: {section!r} is outside any section: move it below [{_near(section, values)}]")
            continue
        for key, value in entries.items():
            _set(values, origins, section, key, value, str(file))


def _take_environment(
    environment: Mapping[str, str], values: dict[str, dict[str, Any]], origins: dict[tuple[str, str], str]
) -> None:
    if environment.get("DATABASE_URL"):
        _set(values, origins, "sql", "url", environment["DATABASE_URL"], "DATABASE_URL")
    for name, value in environment.items():
        if found := _ENVIRONMENT.fullmatch(name):
            _set(values, origins, found[1].lower(), found[2].lower(), value, name)


def _one_underscore(environment: Mapping[str, str], models: Mapping[str, type[BaseModel]]) -> list[str]:
    """Return an error for each variable that would be a setting with two underscores after the section."""
    meant = {
        f"M_{section}_{key}".upper(): f"M_{section}__{key}".upper()
        for section, model in models.items()
        for key in model.model_fields
    }
    return [
        f"{name}: expected two underscores after the section: did you mean {meant[name]}?"
        for name in environment
        if name in meant
    ]


def _set(
    values: dict[str, dict[str, Any]],
    origins: dict[tuple[str, str], str],
    section: str,
    key: str,
    value: Any,
    origin: str,
) -> None:
    values.setdefault(section, {})[key] = value
    origins[section, key] = origin


def _expand(values: dict[str, dict[str, Any]], environment: Mapping[str, str], problems: list[str]) -> None:
    """Replace `${NAME}`; drop a value whose variable is missing, so that it is reported only once."""
    for section, entries in values.items():
        for key, value in list(entries.items()):
            missing: list[str] = []
            entries[key] = _expanded(value, environment, missing)
            problems.extend(f"[{section}] {key}: the environment variable {name} is not set" for name in missing)
            if missing:
                del entries[key]


def _expanded(value: Any, environment: Mapping[str, str], missing: list[str]) -> Any:
    """Return a value with variables replaced at any depth, appending the names of unset ones to `missing`."""
    if isinstance(value, list):
        return [_expanded(item, environment, missing) for item in value]
    if isinstance(value, dict):
        return {name: _expanded(item, environment, missing) for name, item in value.items()}
    if not isinstance(value, str):
        return value
    unset = [name for name in _VARIABLE.findall(value) if name not in environment]
    missing += unset
    return value if unset else _VARIABLE.sub(lambda found: environment[found[1]], value)


def _validate(
    models: Mapping[str, type[BaseModel]],
    values: Mapping[str, dict[str, Any]],
    origins: Mapping[tuple[str, str], str],
    problems: list[str],
) -> dict[str, BaseModel]:
    sections = {}
    for section, entries in values.items():
        model = models.get(section)
        if model is None:
            origin = next((origin for (name, _), origin in origins.items() if name == section), "?")
            problems.append(f"{origin}: there is no section [{section}]: expected one of {', '.join(sorted(models))}")
            continue
        try:
            sections[section] = model.model_validate({key: typed(model, key, value) for key, value in entries.items()})
        except pydantic.ValidationError as error:
            problems.extend(_explain(section, model, fault, origins) for fault in error.errors())
    return sections


def typed(model: type[BaseModel], key: str, value: Any) -> Any:
    """Return a value as expected by a model; text for a list setting is split at commas."""
    info = model.model_fields.get(key)
    if info is None or not isinstance(value, str):
        return value
    many = any(
        get_origin(part) in {list, tuple} for part in (info.annotation, *getattr(info.annotation, "__args__", ()))
    )
    return [item.strip() for item in value.split(",") if item.strip()] if many else value


def _explain(section: str, model: type[BaseModel], fault: Any, origins: Mapping[tuple[str, str], str]) -> str:
    key = str(fault["loc"][0]) if fault["loc"] else "?"
    origin = origins.get((section, key), "default")
    if fault["type"] == "extra_forbidden":
        return f"{origin}: [{section}] has no setting {key!r}: {_suggest(key, model.model_fields)}"
    return f"{origin}: [{section}] {key}: {fault['msg'].removeprefix('Value error, ')}"


def _suggest(key: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(key, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(known)}"


def _near(section: str, values: Mapping[str, Any]) -> str:
    return next(iter(difflib.get_close_matches(section, values, n=1)), "framework")
