"""Bootstrap steps of authentication: the login throttle that its adapters share, and the roles that DocTypes name."""

from __future__ import annotations

from itertools import batched

from framework_m_core.bootstrap.application import Application
from framework_m_core.domain.clock import Clock, IdGenerator
from framework_m_core.domain.context import ADMINISTRATOR, GUEST
from framework_m_core.domain.errors import DuplicateNameError
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.system_documents import SystemClient, SystemDocuments
from framework_m_standard.auth.settings import AuthSettings
from framework_m_standard.auth.throttle import LoginThrottle

__all__ = ["InitAuth", "KeepRoles"]

_AT_ONCE = 100


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


class KeepRoles:
    """Step `keep_roles`: create a document for each role that a DocType names, so that users can have it."""

    order = 45

    async def run(self, app: Application) -> None:
        """Create the roles that are missing."""
        if "Role" not in app.registry.doctypes:
            return
        system: SystemDocuments = app.container.get("system_documents")
        wanted = sorted({ADMINISTRATOR, GUEST, *app.registry.roles})

        async def work(client: SystemClient) -> None:
            for names in batched(wanted, _AT_ONCE):
                among = [{"field": "name", "operator": "in", "value": list(names)}]
                known = (await client.list("Role", among, fields=["name"], limit=_AT_ONCE)).items
                for name in sorted({*names} - {role["name"] for role in known}):
                    await client.create("Role", {"name": name})

        # another process that starts at the same time may create them first
        await system.run("roles named by DocTypes", work, DuplicateNameError)
