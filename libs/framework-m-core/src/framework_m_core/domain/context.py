"""Who asks: the small frozen object that travels through every call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from uuid import UUID, uuid4

from framework_m_core.domain.clock import Clock, system_clock

__all__ = ["ADMINISTRATOR", "ANONYMOUS", "GUEST", "Principal", "RequestContext", "Source", "system_context"]

ADMINISTRATOR = "Administrator"
"""The role that has every action on every DocType."""

GUEST = "Guest"
"""The role that stands for anonymous callers, and that everybody has."""

type Source = Literal["http", "job", "cli", "event"]


@dataclass(frozen=True, slots=True)
class Principal:
    """The person or system on whose behalf work is done.

    `attributes` feed row scopes (`{"territory": ("North", "South")}`). `system` is set only by `system_context`,
    together with the reason that the audit records.
    """

    id: str
    roles: frozenset[str] = frozenset({GUEST})
    email: str = ""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    system: bool = False
    reason: str | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody has logged in."""
        return not self.id


ANONYMOUS = Principal(id="")


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request, job or command: who, for which tenant, since when, and inside which unit of work.

    `unit` is set for the hooks of a write, to the open unit of work (a `UnitOfWorkProtocol`): a service called with
    that scope joins it instead of opening a second one. `registry` is the `Registry` that all of the request works
    with, whatever is swapped meanwhile; a service called without one takes the current.
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
        """The same scope inside a unit of work."""
        return replace(self, unit=unit)

    def elevated(self, reason: str) -> RequestContext:
        """The same request acting as the system, for a reason that the audit keeps."""
        return replace(self, principal=_system_principal(reason))


def system_context(reason: str, *, source: Source = "cli", clock: Clock = system_clock) -> RequestContext:
    """A scope for work that nobody asked for over HTTP: set-up, jobs, event handlers."""
    return RequestContext(principal=_system_principal(reason), source=source, clock=clock)


def _system_principal(reason: str) -> Principal:
    if not reason.strip():
        raise ValueError("elevated work needs a reason that the audit can show")
    return Principal(id="system", roles=frozenset({ADMINISTRATOR, GUEST}), system=True, reason=reason)
