"""Bootstrap steps of authentication: the login throttle that its adapters share, and the roles that DocTypes name."""

from __future__ import annotations

from datetime import timedelta
from itertools import batched

from framework_m_core.domain.context import ADMINISTRATOR, AUTOMATIC_ROLES
from framework_m_core.domain.errors import DuplicateNameError
from framework_m_core.interfaces.bootstrap import ApplicationView
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.registry_changes import RegistryChanges
from framework_m_core.services.session_secrets import SessionRules, SessionSecrets
from framework_m_core.services.system_documents import SystemClient, SystemDocuments
from framework_m_standard.auth.settings import AuthSettings
from framework_m_standard.auth.throttle import LoginThrottle

__all__ = ["InitAuth", "KeepRoles"]

_AT_ONCE = 100


class InitAuth:
    """Step `init_auth`: the login throttle and the rules of sessions, over any adapter of theirs."""

    order = 35

    async def run(self, app: ApplicationView) -> None:
        """Bind `login_throttle` and `session_rules`."""
        app.bind_ports("login_attempts")
        app.container.bind("login_throttle", LoginThrottle)
        app.container.bind("session_rules", _session_rules)


def _session_rules(auth_settings: AuthSettings) -> SessionRules:
    return SessionRules(
        lifetime=timedelta(days=auth_settings.session_ttl_days),
        grace=timedelta(seconds=auth_settings.refresh_grace_seconds),
        max_per_user=auth_settings.max_sessions_per_user,
        secrets=SessionSecrets(auth_settings.derive_key),
    )


class KeepRoles:
    """Step `keep_roles`: create a document for each role that a DocType names, so that users can have it."""

    order = 45

    async def run(self, app: ApplicationView) -> None:
        """Create the roles that are missing, now and before each change of the registry."""
        system: SystemDocuments = app.container.get("system_documents")
        changes: RegistryChanges = app.container.get("registry_changes")

        async def create_missing(registry: Registry) -> None:
            await _create_missing(system, registry)

        registry_handle: RegistryHandle = app.container.get("registry_handle")
        await create_missing(registry_handle.current)
        changes.prepare_with(create_missing)


async def _create_missing(system: SystemDocuments, registry: Registry) -> None:
    if "Role" not in registry.doctypes:
        return
    wanted = sorted({ADMINISTRATOR, *AUTOMATIC_ROLES, *registry.roles})

    async def work(client: SystemClient) -> None:
        for names in batched(wanted, _AT_ONCE):
            among = [{"field": "name", "operator": "in", "value": list(names)}]
            known = (await client.list("Role", among, fields=["name"], limit=_AT_ONCE)).items
            for name in sorted({*names} - {role["name"] for role in known}):
                await client.create("Role", {"name": name})

    # another process that starts at the same time may create them first
    await system.run("roles named by DocTypes", work, DuplicateNameError)
