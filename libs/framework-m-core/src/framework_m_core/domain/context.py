"""`RequestContext`: who asks, as a small frozen object passed through every call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol, Self
from uuid import UUID, uuid4

from framework_m_core.domain.clock import Clock, system_clock

__all__ = [
    "ADMINISTRATOR",
    "ALL",
    "ANONYMOUS",
    "AUTOMATIC_ROLES",
    "CLI",
    "EVENT",
    "GUEST",
    "HTTP",
    "JOB",
    "NO_REGISTRY",
    "RELAY",
    "SOCKET",
    "SOURCES",
    "SYSTEM",
    "Principal",
    "RegistryView",
    "RequestContext",
    "Source",
    "UnitView",
    "make_system_context",
    "make_system_principal",
]

ADMINISTRATOR = "Administrator"
"""The role that may do every action on every DocType."""

GUEST = "Guest"
"""The role of anonymous callers, which everyone has."""

ALL = "All"
"""The role that everyone has who has logged in."""

AUTOMATIC_ROLES: Final = frozenset({GUEST, ALL})
"""The roles that nobody has to be given."""

_OF_GUESTS: Final = frozenset({GUEST})

type Source = str
"""Where work comes from, as audit entries and log records say: one of `SOURCES`, or a package's own word."""

HTTP: Final[Source] = "http"
SOCKET: Final[Source] = "socket"
CLI: Final[Source] = "cli"
JOB: Final[Source] = "job"
EVENT: Final[Source] = "event"
"""A handler or consumer of an event."""
RELAY: Final[Source] = "relay"
"""The loops that deliver and prune events."""
SYSTEM: Final[Source] = "system"
"""The framework's own work that nobody asked for, such as at the start of a process."""

SOURCES: Final = (HTTP, SOCKET, CLI, JOB, EVENT, RELAY, SYSTEM)


@dataclass(frozen=True, slots=True)
class Principal:
    """The person or system on whose behalf work is done.

    `attributes` are compared by row scopes (`{"territory": ("North", "South")}`). `system` is work that nobody asked
    for, set only by `make_system_context`. `reason`, for the audit log, is that of the system's work, or of elevated
    work of a person. `roles` always hold Guest, and All unless the principal is anonymous.
    """

    id: str
    roles: frozenset[str] = frozenset()
    email: str = ""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    system: bool = False
    reason: str | None = None

    def __post_init__(self) -> None:
        """Add the automatic roles."""
        object.__setattr__(self, "roles", self.roles | (AUTOMATIC_ROLES if self.id else _OF_GUESTS))

    @property
    def is_anonymous(self) -> bool:
        """True if the caller has not logged in."""
        return not self.id

    @property
    def is_elevated(self) -> bool:
        """True for the system, and for work that an app does for a person with the system's permissions."""
        return self.reason is not None


ANONYMOUS = Principal(id="")


class RegistryView(Protocol):
    """What work asks the registry of its context; `registry.registry.Registry` is one.

    What it computes on first access is `Any` here, as not every type checker takes such a property for a mapping.
    """

    @property
    def doctypes(self) -> Mapping[str, Any]:
        """The compiled DocTypes by name."""
        ...

    @property
    def actions(self) -> Mapping[str, Any]:
        """All actions by name."""
        ...

    @property
    def functions(self) -> Mapping[str, Any]:
        """The functions that may be called by path."""
        ...

    @property
    def payload_types(self) -> Any:
        """The apps' event types by their payload models."""
        ...

    @property
    def dependencies(self) -> Any:
        """What functions ask for, by function."""
        ...

    @property
    def referrers(self) -> Any:
        """For each DocType, the link fields that point to it."""
        ...

    @property
    def guarded_links(self) -> Any:
        """For each DocType, its links that refuse cancelled targets, by the DocType that they point to."""
        ...

    @property
    def stages(self) -> Sequence[Any]:
        """The stages of writes in their order."""
        ...

    @property
    def extensions(self) -> Any:
        """The field types, actions and `ext` namespaces of packages."""
        ...

    @property
    def declared(self) -> Mapping[type, Sequence[Any]]:
        """What packages' own decorators declare, by the class of the declaration."""
        ...

    @property
    def derived(self) -> Any:
        """The values computed once for the registry."""
        ...

    def get(self, name: str) -> Any:
        """Return a compiled DocType. Raises DocTypeNotFoundError."""
        ...


class UnitView(Protocol):
    """What work asks the unit of its context; every `interfaces.unit_of_work.UnitOfWorkProtocol` is one.

    Types of ports, which the domain does not know, are `Any` here; so are events, which need pydantic.
    """

    @property
    def context(self) -> RequestContext:
        """The context that the unit works for."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exception: object) -> None: ...

    def repository(self, doctype: str) -> Any:
        """Return the repository of a DocType in this unit."""
        ...

    async def fetch(self, handle: Any, values: Sequence[Any]) -> list[Any]:
        """Run a prepared read inside the unit."""
        ...

    async def find_referrers(self, doctype: str, id: UUID, linked_by: Any = "active") -> Sequence[tuple[str, UUID]]:
        """Return the names of the DocTypes with other documents that link to this one."""
        ...

    async def allocate(self, prefix: str, n: int = 1) -> int:
        """Allocate numbers of a counter inside the unit."""
        ...

    def record(self, event: Any) -> None:
        """Add an event to the outbox."""
        ...

    def audit(self, entry: Any) -> None:
        """Append an entry to the audit log."""
        ...

    def remember(self, response: Any) -> None:
        """Store the response to a keyed write."""
        ...

    def after_commit(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Run a callback once the commit has succeeded."""
        ...

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Return a context manager whose block rolls back alone if it raises."""
        ...

    async def flush(self) -> None:
        """Send delayed writes."""
        ...

    async def commit(self) -> None:
        """Commit everything."""
        ...

    async def rollback(self) -> None:
        """Roll back everything."""
        ...


NO_REGISTRY: Final[Any] = None
"""The registry of a context that is made outside of any work, until a service pins the current one."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """One request, job or command: who, for which tenant, by which clock, and inside which unit of work.

    For the hooks of a write, `unit` is the open unit of work: a service called with this
    context joins it instead of opening another, and `write` is the write whose hooks run. `registry` is the `Registry`
    of the whole request, even if it is swapped meanwhile; a service called without one uses the current registry.
    `waived` names rules that this work alone may break, by the codes of their errors; no caller over HTTP has any.

    >>> context = RequestContext(Principal("ada", roles=frozenset({"Seller"})), tenant="acme")
    >>> elevated = context.elevated("nightly check").principal
    >>> elevated.id, sorted(elevated.roles)
    ('ada', ['Administrator', 'All', 'Guest', 'Seller'])
    """

    principal: Principal
    tenant: str | None = None
    request_id: UUID = field(default_factory=uuid4)
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    source: Source = HTTP
    clock: Clock = system_clock
    unit: UnitView | None = None
    write: Any = field(default=None, repr=False)
    registry: RegistryView = field(default=NO_REGISTRY, repr=False)
    waived: frozenset[str] = frozenset()

    def within(self, unit: UnitView, write: object = None) -> RequestContext:
        """Return the same context inside a unit of work, for the hooks of a write in it."""
        return replace(self, unit=unit, write=write or self.write)

    def require_unit(self) -> UnitView:
        """Return the unit of work, which every hook has. Raises LookupError outside of one."""
        if self.unit is None:
            raise LookupError("expected a context inside a unit of work, such as a hook's `self.context`, got another")
        return self.unit

    def elevated(self, reason: str) -> RequestContext:
        """Return the same context with the system's permissions; the audit log records the caller and the reason."""
        roles = self.principal.roles | {ADMINISTRATOR}
        return replace(self, principal=replace(self.principal, roles=roles, reason=_check_reason(reason)))


def make_system_context(reason: str, *, source: Source, clock: Clock = system_clock) -> RequestContext:
    """Return a context for work not requested over HTTP: setup, jobs, event handlers."""
    return RequestContext(principal=make_system_principal(reason), source=source, clock=clock)


def make_system_principal(reason: str) -> Principal:
    """Return the system as a caller. Raises ValueError without a reason."""
    return Principal(id="system", roles=frozenset({ADMINISTRATOR}), system=True, reason=_check_reason(reason))


def _check_reason(reason: str) -> str:
    if not reason.strip():
        raise ValueError("expected a reason for elevated work, for the audit log, got an empty one")
    return reason
