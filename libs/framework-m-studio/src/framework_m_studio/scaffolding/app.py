"""Generation of a new app: it starts, its tests pass, and its image can be built."""

from __future__ import annotations

from pathlib import Path

from framework_m_studio.scaffolding.names import AppName
from framework_m_studio.scaffolding.placing import place_folder
from framework_m_studio.scaffolding.templates import render_folder
from framework_m_studio.scaffolding.variants import AppVariant

__all__ = ["write_app"]


def write_app(name: AppName, folder: Path, variant: AppVariant) -> None:
    """Write an app into a new or empty folder. On failure, raise ConfigurationError and write nothing."""
    place_folder(folder, render_folder("app", name.package, {"app": name, "variant": variant}))
