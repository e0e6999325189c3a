"""Bootstrap step of the logs: first of all, so that every record after it has its context."""

from __future__ import annotations

from framework_m_core.bootstrap.application import Application
from framework_m_standard.logs.configuration import configure_logs

__all__ = ["InitLogs"]


class InitLogs:
    """Step `init_logs`: configures logging as `[logs]` says."""

    order = 1

    async def run(self, app: Application) -> None:
        """Configure logging, unless the process has done so itself."""
        configure_logs(app.settings)
