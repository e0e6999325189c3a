"""The CRM on the store in memory, with users: `m start` for a test, which cannot make users from another process.

`python serve_crm.py <port>` in the app's folder; standard input holds users as JSON: address to password and roles.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from framework_m_core.bootstrap.application import Application
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.container.container import Container
from framework_m_core.interfaces.identity import IdentityProtocol
from framework_m_standard.http.routes.health import Lifecycle
from framework_m_standard.http.server.serving import listen, serve
from framework_m_standard.http.wire.asgi import ASGIApp


def main(port: int, users: dict[str, tuple[str, list[str]]]) -> None:
    """Serves until a signal."""
    lifecycle = Lifecycle()

    @asynccontextmanager
    async def opened() -> AsyncIterator[ASGIApp]:
        container = Container()
        container.provide("web_lifecycle", lifecycle)
        application = Application(load_settings(Path.cwd()), container)
        await application.open(("web", "worker", "relay"))
        identity: IdentityProtocol = container.get("identity")
        for address, (password, roles) in users.items():
            await identity.create(address, password, roles)
        try:
            yield container.get("web")
        finally:
            await application.close()

    serve(opened, listen("127.0.0.1", port), lifecycle, shutdown_timeout_seconds=5)


if __name__ == "__main__":
    main(int(sys.argv[1]), json.load(sys.stdin))
