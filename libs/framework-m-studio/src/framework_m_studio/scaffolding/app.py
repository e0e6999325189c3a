"""A new app: a folder that starts, whose tests pass and whose image can be built."""

from __future__ import annotations

from pathlib import Path

from framework_m_studio.scaffolding.names import AppName
from framework_m_studio.scaffolding.placing import place_folder
from framework_m_studio.scaffolding.templates import render_folder

__all__ = ["write_app"]


def write_app(name: AppName, folder: Path) -> None:
    """Writes an app into a folder that is new or empty. Raises ConfigurationError, and leaves nothing then."""
    place_folder(folder, render_folder("app", name.package, {"app": name}))
