"""The app of each worker of `m prod`, as loaded by uvicorn's supervisor."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from framework_m_core.domain.errors import ConfigurationError
from framework_m_standard.cli.processes.server_setup import read_settings
from framework_m_standard.cli.processes.supervisor import SAFE_PATH
from framework_m_standard.cli.processes.worker_process import follow_parent, opener_of
from framework_m_standard.http.routes.health import Lifecycle
from framework_m_standard.http.server.lifespan import OpenedAtStartup
from framework_m_standard.http.wire.asgi import ASGIApp

__all__ = ["PRODUCTION_APP", "load_production_app"]

PRODUCTION_APP: Final = f"{__name__}:load_production_app"


def load_production_app() -> ASGIApp:
    """Return the app in the working directory; its process ends with its parent."""
    if os.environ.get("PYTHONSAFEPATH") == SAFE_PATH:
        del os.environ["PYTHONSAFEPATH"]
    if (parent := multiprocessing.parent_process()) is not None and parent.pid is not None:
        follow_parent(parent.pid)

    @asynccontextmanager
    async def opened() -> AsyncIterator[ASGIApp]:
        async with opener_of(read_settings(None, None), "", frozenset(), Lifecycle(serving=True))() as web:
            yield web

    return OpenedAtStartup(opened, _explain)


def _explain(error: ConfigurationError) -> None:
    print(f"m: {error}", file=sys.stderr, flush=True)
