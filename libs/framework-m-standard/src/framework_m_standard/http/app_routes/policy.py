"""Policies of app routes: declared on the handler, checked before it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from framework_m_core.controllers.declaration import declaration_of
from framework_m_core.controllers.rpc import CallMark
from framework_m_core.domain.errors import AuthenticationError
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.permissions.service import PermissionService
from framework_m_standard.http.wire.asgi import request_state_of

__all__ = ["POLICY", "RoutePolicy", "check_policy", "make_guard", "policy_of"]

POLICY: Final = "framework_m_policy"
"""The key of the policy in a handler's `opt`."""

_UNMARKED: Final = CallMark()
_ADVICE: Final = (
    "add @requires_permission('read', 'Invoice') below the route's own decorator, or to that authenticated=True, "
    "allow_guest=True or guards"
)


@dataclass(frozen=True, slots=True)
class RoutePolicy:
    """The callers that a route admits: those permitted `action` on `doctype`, all logged-in users, or guests too.

    The app's own guards run after the policy; a route with nothing but guards also requires a login.
    """

    action: str | None = None
    doctype: str | None = None
    authenticated: bool = False
    allow_guest: bool = False
    guarded: bool = False

    @property
    def needs(self) -> str:
        """The requirement on callers, in words."""
        if self.action:
            return f"{self.action} {self.doctype}"
        base = "open" if self.allow_guest else "a login"
        return f"{base}, and its own guard" if self.guarded else base

    def admits(self, visible: Mapping[str, Mapping[str, Grant]]) -> bool:
        """Return whether a logged-in user with these grants may call the route."""
        return self.action is None or self.action in visible.get(self.doctype or "", {})


def policy_of(function: Any, opt: Mapping[str, Any], guarded: bool) -> RoutePolicy:
    """Return the policy that a handler declares by decorator, `opt` and guards."""
    mark = declaration_of(function, CallMark) or _UNMARKED
    return RoutePolicy(
        mark.action, mark.doctype, opt.get("authenticated") is True, opt.get("allow_guest") is True, guarded
    )


def check_policy(policy: RoutePolicy, registry: Registry) -> Iterator[str]:
    """Yield the errors of a policy."""
    stated = [policy.action is not None, policy.authenticated, policy.allow_guest]
    if not any(stated) and not policy.guarded:
        yield f"it does not state who may call it: {_ADVICE}"
    if sum(stated) > 1:
        yield "expected one of requires_permission, authenticated and allow_guest, got several"
    if policy.action is not None and policy.action not in registry.actions:
        meant = did_you_mean(policy.action, registry.actions)
        yield f"{policy.action!r} is not an action: expected one of {', '.join(registry.actions)}{meant}"
    if policy.action is not None and policy.doctype is None:
        yield f"a route names the DocType: @requires_permission({policy.action!r}, 'Invoice')"
    elif policy.doctype is not None and policy.doctype not in registry.doctypes:
        yield f"it requires a permission on {policy.doctype!r}, which is not a DocType" + did_you_mean(
            policy.doctype, registry.doctypes
        )


def make_guard(permissions: PermissionService, registry_handle: RegistryHandle) -> Guard:
    """Return the guard of all app routes. A handler without a policy requires a login."""

    async def require_policy(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        policy: RoutePolicy | None = handler.opt.get(POLICY)
        if policy is None and _is_litestars_own(handler.fn):
            return
        context = registry_handle.pin(request_state_of(connection.scope).context)
        if policy is not None and policy.action is not None:
            await permissions.require_grant(context, context.registry.get(policy.doctype or ""), policy.action)
        elif (policy is None or not policy.allow_guest) and context.principal.is_anonymous:
            raise AuthenticationError

    return require_policy


def _is_litestars_own(function: Callable[..., Any]) -> bool:
    """Return whether a function is Litestar's handler of OPTIONS, which lists the allowed methods."""
    return function.__module__ == "litestar.routes.http"
