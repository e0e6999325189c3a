"""What is served calls itself: the name and version of the app, or of several."""

from __future__ import annotations

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.settings.sources import Settings

__all__ = ["app_title"]


def app_title(settings: Settings) -> tuple[str, str]:
    """The apps by name, and the version of the first of them."""
    installed = {choice.name: choice for choice in settings.discovered.choices(discovery.APPS)}
    wanted = settings.framework.apps
    apps = settings.local_apps if wanted is None else [installed[name] for name in wanted if name in installed]
    if not apps:
        return "Framework M", "1"
    first = apps[0]
    local = first in settings.local_apps
    version = settings.discovered.version if local else discovery.version_of(first.distribution)
    return ", ".join(choice.name for choice in apps), version
