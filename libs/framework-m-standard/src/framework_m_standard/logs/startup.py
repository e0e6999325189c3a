"""Bootstrap step of logging: the first one, so that all later records have a context."""

from __future__ import annotations

from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.interfaces.bootstrap import ApplicationView
from framework_m_standard.logs.configuration import configure_logs

__all__ = ["InitLogs"]


class InitLogs:
    """Step `init_logs`: configure logging by `[logs]`."""

    order = 1

    async def run(self, app: ApplicationView) -> None:
        """Configure logging, unless the process has done so itself."""
        settings: Settings = app.container.get("settings")
        configure_logs(settings)
