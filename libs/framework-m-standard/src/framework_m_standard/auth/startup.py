"""Bootstrap step of authentication: binds the login throttle that its adapters share."""

from __future__ import annotations

from framework_m_core.bootstrap.application import Application
from framework_m_core.domain.clock import Clock, IdGenerator
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_standard.auth.settings import AuthSettings
from framework_m_standard.auth.throttle import LoginThrottle

__all__ = ["InitAuth"]


class InitAuth:
    """Step `init_auth`: the login throttle, over the store."""

    order = 35

    async def run(self, app: Application) -> None:
        """Bind `login_throttle`."""
        app.container.bind("login_throttle", _throttle)


def _throttle(
    registry_handle: RegistryHandle,
    unit_of_work: UnitOfWorkFactoryProtocol,
    reader: DocumentReaderProtocol,
    auth_settings: AuthSettings,
    clock: Clock,
    ids: IdGenerator,
) -> LoginThrottle:
    return LoginThrottle(registry_handle, unit_of_work, reader, auth_settings, clock, ids)
