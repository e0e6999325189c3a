"""`RequestContext`: who asks, as a small frozen object passed through every call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID, uuid4

from framework_m_core.domain.clock import Clock, system_clock

__all__ = ["ADMINISTRATOR", "ANONYMOUS", "GUEST", "Principal", "RequestContext", "Source", "system_context"]

ADMINISTRATOR = "Administrator"
"""The role that may do every action on every DocType."""

GUEST = "Guest"
"""The role of anonymous callers, which everyone has."""

type Source = Literal["http", "job", "cli", "event"]


@dataclass(frozen=True, slots=True)
class Principal:
    """The person or system on whose behalf work is done.

    `attributes` are compared by row scopes (`{"territory": ("North", "South")}`). `system` is set only by
    `system_context` and `RequestContext.elevated`, with the reason for the audit log.
    """

    id: str
    roles: frozenset[str] = frozenset({GUEST})
    email: str = ""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    system: bool = False
    reason: str | None = None

    @property
    def is_anonymous(self) -> bool:
        """True if the caller has not logged in."""
        return not self.id


ANONYMOUS = Principal(id="")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request, job or command: who, for which tenant, by which clock, and inside which unit of work.

    For the hooks of a write, `unit` is the open unit of work (a `UnitOfWorkProtocol`): a service called with this
    context joins it instead of opening another. `registry` is the `Registry` of the whole request, even if it is
    swapped meanwhile; a service called without one uses the current registry.

    >>> context = RequestContext(Principal("ada", roles=frozenset({"Seller"})), tenant="acme")
    >>> context.principal.is_anonymous, context.elevated("nightly check").principal.system
    (False, True)
    """

    principal: Principal
    tenant: str | None = None
    request_id: UUID = field(default_factory=uuid4)
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    source: Source = "http"
    clock: Clock = system_clock
    unit: Any = None
    registry: Any = field(default=None, repr=False)

    def within(self, unit: object) -> RequestContext:
        """Return the same context inside a unit of work."""
        return replace(self, unit=unit)

    def elevated(self, reason: str) -> RequestContext:
        """Return the same context acting as the system; the audit log records the reason."""
        return replace(self, principal=_system_principal(reason))


def system_context(reason: str, *, source: Source = "cli", clock: Clock = system_clock) -> RequestContext:
    """Return a context for work not requested over HTTP: setup, jobs, event handlers."""
    return RequestContext(principal=_system_principal(reason), source=source, clock=clock)


def _system_principal(reason: str) -> Principal:
    if not reason.strip():
        raise ValueError("expected a reason for elevated work, for the audit log, got an empty one")
    return Principal(id="system", roles=frozenset({ADMINISTRATOR, GUEST}), system=True, reason=reason)
