"""Where the migrations of each loaded app are: in its package, or beside its project or configuration file.

A folder in the package is part of the app's wheel. Before there were such folders, one beside `pyproject.toml`, or
beside `framework_config.toml` where the app is installed, had the migrations of all apps; it goes on as that of the
last app without one in its package.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from framework_m_core.bootstrap.loaded_apps import choose_apps
from framework_m_core.bootstrap.plugins.discovery import Choice, find_source
from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.registry.compiled import BUILT_IN_APP
from framework_m_core.services.migrations.files.revisions import VERSIONS
from framework_m_core.services.migrations.locations import MigrationFolders

__all__ = ["find_migration_folders"]

_FOLDER: Final = "migrations"
_PROJECT: Final = "pyproject.toml"


def find_migration_folders(settings: Settings) -> MigrationFolders:
    """Return the folders of all loaded apps. Raises ConfigurationError for migrations that belong to none of them."""
    apps = [choice for choice in choose_apps(settings) if choice.name != BUILT_IN_APP]
    inner = {choice.name: _find_inner(choice) for choice in apps}
    found = {app: place for app, place in inner.items() if place is not None and place.is_dir()}
    outer = {choice.name: _find_outer(choice, settings) for choice in apps if choice.name not in found}
    last = {place: app for app, place in outer.items()}
    for app, place in outer.items():
        is_outer = last[place] == app and (place.is_dir() or not _is_packed(place, inner[app]))
        found[app] = place if is_outer else inner[app] or place / app
    beside = settings.root / _FOLDER
    if beside not in found.values() and any((beside / VERSIONS).glob("*.py")):
        raise ConfigurationError(
            f"expected the migrations of an app in {beside}, but {', '.join(found) or 'no app'} has its own elsewhere: "
            "remove one of the folders"
        )
    local = {choice.name for choice in settings.local_apps}
    own = tuple(app for app in inner if app in local or found[app] == beside)
    home = own[0] if len(own) == 1 else next(iter(found)) if len(found) == 1 else None
    return MigrationFolders({app: found[app] for app in inner}, own, home)


def _find_inner(choice: Choice) -> Path | None:
    """Return the folder in an app's package; None for an app that is a single module."""
    package = find_source(choice)
    return package / _FOLDER if package is not None and package.is_dir() else None


def _find_outer(choice: Choice, settings: Settings) -> Path:
    """Return the folder beside an app's project file, or beside the configuration if the app is installed."""
    if choice in settings.local_apps and settings.discovered.folder is not None:
        places = (settings.discovered.folder / _FOLDER, settings.root / _FOLDER)
        return next((place for place in places if place.is_dir()), places[0])
    source = find_source(choice)
    above = source.parents[:2] if source is not None else ()
    project = next((place for place in above if (place / _PROJECT).is_file()), settings.root)
    return project / _FOLDER


def _is_packed(outer: Path, inner: Path | None) -> bool:
    """Return whether new migrations of an app go into its package: if that is a part of a project."""
    return inner is not None and (outer.parent / _PROJECT).is_file()
