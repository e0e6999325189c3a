"""Settings: defaults, then `framework_config.toml`, then the environment; typed, with all errors reported at once."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Discovered
from framework_m_core.bootstrap.plugins.trusted_folders import CONFIG_FILE, check_owner, make_importable
from framework_m_core.bootstrap.settings.models import AdapterSettings, FrameworkSettings, Settings
from framework_m_core.bootstrap.settings.paths import ANY_KEY, find_leaf_fields, variable_of
from framework_m_core.bootstrap.settings.secrets import fill_secrets
from framework_m_core.bootstrap.settings.validation import validate_sections
from framework_m_core.bootstrap.settings.values import SettingValues
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import find_similar

__all__ = ["CONFIG_FILE", "find_config_file", "gather_settings_models", "load_settings"]

_SETTINGS_GROUP = "framework_m.settings"
_PREFIX = re.compile(r"M_.+?__")


def load_settings(
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    secrets: bool = True,
    needs_app: bool = False,
) -> Settings:
    """Load all settings for a folder, and make its app importable. Raises ConfigurationError listing all errors.

    Nothing is read from, and nothing imported of, a folder of another user that is not trusted.

    `overrides` maps `"section.key"`, or `"section.table.key"`, to a value and takes precedence over all sources;
    command-line options use it.
    Without `secrets`, missing secrets stay unset: for inspecting settings, not for running with them. With `needs_app`,
    a folder without an app is rejected before anything is created there.
    """
    environment = os.environ if environment is None else environment
    file = _find(folder)
    check_owner((file.parent, file) if file else (), environment)
    discovered = make_importable(discovery.discover(folder), environment)
    models = gather_settings_models(discovered)
    values, errors = _read(file, environment, overrides or {}, models)
    root = file.parent if file else discovered.folder or folder
    sections = validate_sections(models, values, errors)
    if errors:
        raise ConfigurationError("the configuration is not valid:", errors)
    settings = Settings(sections, values.origins, root.resolve(), discovered)
    if needs_app and settings.framework.apps is None and not settings.local_apps:
        raise ConfigurationError(
            f"there is no app in {folder}: create one with `m new app shop`; expected a pyproject.toml with "
            '[project.entry-points."framework_m.apps"] and a line such as shop = "shop", or [framework] apps'
        )
    return fill_secrets(settings) if secrets else settings


def find_config_file(folder: Path) -> Path:
    """Return the configuration file of a folder, or the path to create one at: beside the app's pyproject.toml."""
    return _find(folder) or (discovery.discover(folder).folder or folder) / CONFIG_FILE


def gather_settings_models(discovered: Discovered) -> dict[str, type[BaseModel]]:
    """Return the typed models of all sections, by name."""
    own: dict[str, type[BaseModel]] = {"framework": FrameworkSettings, "adapters": AdapterSettings}
    models = own | {choice.name: discovery.load(choice) for choice in discovered.find_choices(_SETTINGS_GROUP)}
    _refuse_shared(models)
    return models


def _refuse_shared(models: Mapping[str, type[BaseModel]]) -> None:
    """Raise ConfigurationError for a model of two sections: who requests it by annotation could mean either."""
    sections: dict[type[BaseModel], list[str]] = {}
    for section, model in models.items():
        sections.setdefault(model, []).append(section)
    errors = [
        f"{model.__name__} is the model of {' and '.join(f'[{name}]' for name in names)}: make a subclass for each"
        for model, names in sections.items()
        if len(names) > 1
    ]
    if errors:
        raise ConfigurationError("the models of settings are not valid:", errors)


def _find(folder: Path) -> Path | None:
    return next((path for place in (folder, *folder.parents) if (path := place / CONFIG_FILE).is_file()), None)


def _read(
    file: Path | None,
    environment: Mapping[str, str],
    overrides: Mapping[str, Any],
    models: Mapping[str, type[BaseModel]],
) -> tuple[SettingValues, list[str]]:
    """Return the values of all sources, and their errors."""
    values = SettingValues()
    values.tables |= {section: {} for section in models}
    errors = [
        *(_read_file(file, values) if file else ()),
        *_read_environment(environment, values, models),
    ]
    for path, value in overrides.items():
        values.set(tuple(path.split(".")), value, "command line")
    errors += values.expand(environment)
    return values, errors


def _read_file(file: Path, values: SettingValues) -> Iterator[str]:
    """Set the values of a file, and yield its errors."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        yield f"{file}: not valid TOML: {error}"
        return
    for section, entries in content.items():
        if isinstance(entries, dict):
            for key, value in entries.items():
                values.set((section, key), value, str(file))
        else:
            near = find_similar(section, values.tables) or "framework"
            yield f"{file}: {section!r} is outside any section: move it below [{near}]"


def _read_environment(
    environment: Mapping[str, str], values: SettingValues, models: Mapping[str, type[BaseModel]]
) -> Iterator[str]:
    """Set the values of variables, those of tables before those in them, and yield the errors."""
    if environment.get("DATABASE_URL"):
        values.set(("sql", "url"), environment["DATABASE_URL"], "DATABASE_URL")
    known = [
        variable_of(section, path)
        for section, model in models.items()
        for path, _ in find_leaf_fields(model)
        if ANY_KEY not in path
    ]
    meant = {_with_single_underscores(variable): variable for variable in known}
    for name in sorted(environment, key=lambda name: name.count("__")):
        if name not in known and (near := meant.get(_with_single_underscores(name))):
            yield f"{name}: expected two underscores between the names: did you mean {near}?"
        elif _PREFIX.match(name):
            section, *keys = name.removeprefix("M_").lower().split("__")
            if not (section and all(keys)):
                yield f"{name}: expected M_<SECTION>__<KEY>, with two underscores between the names"
                continue
            try:
                values.set(values.spell(section, (*keys,), models.get(section)), environment[name], name)
            except ConfigurationError as error:
                yield str(error)


def _with_single_underscores(name: str) -> str:
    return re.sub("_+", "_", name)
