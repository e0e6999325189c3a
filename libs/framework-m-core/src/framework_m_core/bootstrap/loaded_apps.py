"""Which apps a process loads."""

from __future__ import annotations

from typing import Final

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice
from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.domain.errors import ConfigurationError

__all__ = ["choose_apps"]

_BUILT_IN: Final = "framework-m-standard"


def choose_apps(settings: Settings) -> list[Choice]:
    """Return the built-in app and the configured apps, by default the one in the working directory."""
    installed = settings.discovered.find_choices(discovery.APPS)
    built_in = [choice for choice in installed if choice.distribution == _BUILT_IN]
    wanted = settings.framework.apps
    if wanted is None:
        return [*built_in, *settings.local_apps]
    known = {choice.name: choice for choice in installed}
    missing = [name for name in wanted if name not in known]
    if missing:
        names = ", ".join(sorted(known))
        raise ConfigurationError(
            f"[framework] apps: expected installed apps, got {', '.join(missing)}: known are {names}"
        )
    return [*built_in, *(known[name] for name in wanted if known[name] not in built_in)]
