"""The table of the framework's ports, one row each, from which binding, injection, checks and docs derive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from framework_m_core.interfaces.audit_log import AuditLogProtocol
from framework_m_core.interfaces.authentication import AuthenticationProtocol
from framework_m_core.interfaces.cache import CacheProtocol
from framework_m_core.interfaces.consumers import ConsumersProtocol
from framework_m_core.interfaces.counter import CounterProtocol
from framework_m_core.interfaces.event_bus import EventBusProtocol
from framework_m_core.interfaces.idempotency import IdempotencyProtocol
from framework_m_core.interfaces.identity import IdentityProtocol
from framework_m_core.interfaces.login_attempts import LoginAttemptsProtocol
from framework_m_core.interfaces.migration import MigrationProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.interfaces.permission import PermissionProtocol
from framework_m_core.interfaces.reader import DocumentReaderProtocol
from framework_m_core.interfaces.schema_mapper import SchemaMapperProtocol
from framework_m_core.interfaces.session import SessionProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol

__all__ = ["ADAPTERS", "PORTS", "STORE", "Port", "find_port"]

ADAPTERS: Final = "framework_m.adapters."
"""The prefix of the entry-point groups of adapters."""

STORE: Final = "store"
"""The key under `[adapters]` that selects the adapters of all ports in the store family."""


@dataclass(frozen=True, slots=True)
class Port:
    """One port of the framework.

    `key` selects its adapter under `[adapters]`: the port's name, or `store` for the ports of the store family.
    A store may lack an `optional` port. An `injectable` port may be requested by annotation.
    """

    name: str
    protocol: type
    key: str
    optional: bool = False
    injectable: bool = False

    @property
    def group(self) -> str:
        """The entry-point group of its adapters."""
        return ADAPTERS + self.name

    @property
    def contract(self) -> str:
        """The class in `framework_m_testing.contracts` whose tests each of its adapters passes.

        >>> find_port("audit_log").contract
        'AuditLogContract'
        """
        return "".join(word.capitalize() for word in self.name.split("_")) + "Contract"


def _store(name: str, protocol: type, *, optional: bool = False) -> Port:
    return Port(name, protocol, STORE, optional)


def _own(name: str, protocol: type, *, injectable: bool = False) -> Port:
    return Port(name, protocol, name, injectable=injectable)


PORTS: Final = (
    _store("reader", DocumentReaderProtocol),
    _store("unit_of_work", UnitOfWorkFactoryProtocol),
    _store("schema_mapper", SchemaMapperProtocol),
    _store("outbox", OutboxProtocol),
    _store("consumers", ConsumersProtocol),
    _store("counter", CounterProtocol),
    _store("idempotency", IdempotencyProtocol),
    _store("audit_log", AuditLogProtocol),
    _store("migration", MigrationProtocol, optional=True),
    _own("permission", PermissionProtocol),
    _own("identity", IdentityProtocol),
    _own("session", SessionProtocol),
    _own("login_attempts", LoginAttemptsProtocol),
    _own("authentication", AuthenticationProtocol),
    _own("event_bus", EventBusProtocol),
    _own("cache", CacheProtocol, injectable=True),
)


def find_port(name: str) -> Port | None:
    """Return the framework's port of this name, if any; apps declare others."""
    return next((port for port in PORTS if port.name == name), None)
