"""`MigrationFolders`: where the migrations of the loaded apps are, and reading them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from framework_m_core.domain.context import RegistryView
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.services.migrations.files.app_files import read_files
from framework_m_core.services.migrations.graph import MigrationGraph
from framework_m_core.services.migrations.prerequisites import find_prerequisites

__all__ = ["MigrationFolders"]


@dataclass(frozen=True, slots=True)
class MigrationFolders:
    """The folders of the migrations by app, in the order of the apps; they need not exist.

    `own` are the apps whose migrations are written from the working directory; `home` is the one whose steps are named
    without it.
    """

    folders: Mapping[str, Path] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    home: str | None = None

    def choose(self, app: str | None) -> str:
        """Return an app whose migrations may be written here, by default the only one. Raises ConfigurationError."""
        if app is None and len(self.own) == 1:
            return self.own[0]
        if app is not None and app in self.own:
            return app
        if self.own:
            raise ConfigurationError(f"expected --app to be {' or '.join(self.own)}, got {app or 'none'}")
        raise ConfigurationError(
            "expected the folder of an app, whose migrations are written there, got one without: apps here are "
            f"{', '.join(self.folders) or 'none'}"
        )

    def read(self, registry: RegistryView) -> MigrationGraph:
        """Read the migrations of all apps. Raises ConfigurationError for invalid files."""
        files = {app: read_files(folder, app) for app, folder in self.folders.items()}
        return MigrationGraph(files, find_prerequisites(registry), self.own, self.home)
