"""Bootstrap step of NATS: the client that its adapters share."""

from __future__ import annotations

from framework_m_core.spi import ApplicationView
from framework_m_standard.nats.client import NatsClient

__all__ = ["InitNats"]


class InitNats:
    """Step `init_nats`: bind the client. The container opens it with the adapter that uses it."""

    order = 10

    async def run(self, app: ApplicationView) -> None:
        """Bind `nats_client`."""
        app.container.bind("nats_client", NatsClient)
