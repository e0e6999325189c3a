"""What the author of an adapter imports: the ports with their data types, their errors, and how values are stored.

Whatever stands here keeps its meaning within a major version. Nothing else of core is promised to adapters.
"""

from __future__ import annotations

from framework_m_core.domain.clock import Clock, IdGenerator
from framework_m_core.domain.context import Principal, RequestContext, system_context
from framework_m_core.domain.documents.actions import Action
from framework_m_core.domain.documents.doctype import VERSION_ATTRIBUTE, VERSION_FIELD
from framework_m_core.domain.errors import (
    ConfigurationError,
    DatabaseError,
    DuplicateNameError,
    DuplicateValueError,
    FrameworkError,
    IntegrityError,
    LinkedDocumentError,
    MigrationError,
    OutcomeUnknownError,
    RateLimitError,
    RepositoryError,
    TransientError,
    VersionConflictError,
)
from framework_m_core.domain.events import AnyEvent, DomainEvent, Interest, PublishedEvent, StoredEvent
from framework_m_core.domain.ext import ExtNamespace
from framework_m_core.domain.fields.field_type import FieldType, Part
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import bounded
from framework_m_core.domain.filters.matching import matches
from framework_m_core.domain.filters.parameterize import Placeholder, parameterize
from framework_m_core.domain.filters.tree import EVERYTHING, NOTHING, And, Comparison, Filter, Not, Or, UserAttribute
from framework_m_core.domain.page import DEFAULT_LIMIT, OrderSpec, PaginatedResult
from framework_m_core.interfaces.audit_log import AuditEntry, AuditLogProtocol
from framework_m_core.interfaces.authentication import AuthenticationProtocol, Credentials, Login
from framework_m_core.interfaces.bootstrap import ROLES, BootstrapProtocol
from framework_m_core.interfaces.cache import CacheProtocol
from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_core.interfaces.consumers import (
    ConsumersProtocol,
    ConsumerState,
    DueEvent,
    ParkedEvent,
    Progress,
    SetAside,
    latest_end,
)
from framework_m_core.interfaces.counter import CounterProtocol
from framework_m_core.interfaces.event_bus import Delivery, EventBusProtocol, Subscriber
from framework_m_core.interfaces.idempotency import IdempotencyProtocol, StoredAnswer
from framework_m_core.interfaces.identity import Identity, IdentityProtocol
from framework_m_core.interfaces.migration import MigrationProtocol
from framework_m_core.interfaces.outbox import EventBatch, OutboxProtocol
from framework_m_core.interfaces.permission import (
    ATTRIBUTES,
    BY_ROLES,
    MOST_EVALUATED,
    Grant,
    PermissionProtocol,
    PolicyEvaluateRequest,
    PolicyEvaluateResult,
)
from framework_m_core.interfaces.ports import ADAPTERS, PORTS, STORE, Port
from framework_m_core.interfaces.reader import (
    ChildSelection,
    DocumentReaderProtocol,
    Lock,
    QueryTemplate,
    ReadHandle,
    Row,
)
from framework_m_core.interfaces.repository import RepositoryProtocol
from framework_m_core.interfaces.schema_mapper import SchemaMapperProtocol
from framework_m_core.interfaces.session import OpenedSession, Session, SessionKind, SessionProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol, UnitOfWorkProtocol
from framework_m_core.registry.compiled import FRAMEWORK_SPECS, CompiledChildTable, CompiledDocType
from framework_m_core.registry.registry import Referrer, Registry
from framework_m_core.services.documents.codec import document_from_values
from framework_m_core.services.documents.validation import document_values
from framework_m_core.services.queries.projection import LIVE, full_selection, row_to_document
from framework_m_core.services.runtime.retry import retry
from framework_m_core.services.runtime.shield import run_shielded

__all__ = [
    "ADAPTERS",
    "ATTRIBUTES",
    "BY_ROLES",
    "DEFAULT_LIMIT",
    "EVERYTHING",
    "FRAMEWORK_SPECS",
    "LIVE",
    "MOST_EVALUATED",
    "NOTHING",
    "PORTS",
    "ROLES",
    "STORE",
    "VERSION_ATTRIBUTE",
    "VERSION_FIELD",
    "Action",
    "And",
    "AnyEvent",
    "AuditEntry",
    "AuditLogProtocol",
    "AuthenticationProtocol",
    "BootstrapProtocol",
    "CacheProtocol",
    "ChildSelection",
    "Clock",
    "Comparison",
    "CompiledChildTable",
    "CompiledDocType",
    "ConfigurationError",
    "ConsumerState",
    "ConsumersProtocol",
    "CounterProtocol",
    "Credentials",
    "DatabaseError",
    "Delivery",
    "DocumentReaderProtocol",
    "DomainEvent",
    "DueEvent",
    "DuplicateNameError",
    "DuplicateValueError",
    "EventBatch",
    "EventBusProtocol",
    "ExtNamespace",
    "FieldKind",
    "FieldSpec",
    "FieldType",
    "Filter",
    "FrameworkError",
    "Grant",
    "IdGenerator",
    "IdempotencyProtocol",
    "Identity",
    "IdentityProtocol",
    "IntegrityError",
    "Interest",
    "LinkedDocumentError",
    "Lock",
    "Login",
    "MigrationError",
    "MigrationProtocol",
    "Not",
    "OpenedSession",
    "Or",
    "OrderSpec",
    "OutboxProtocol",
    "OutcomeUnknownError",
    "PaginatedResult",
    "ParkedEvent",
    "Part",
    "PermissionProtocol",
    "Placeholder",
    "PolicyEvaluateRequest",
    "PolicyEvaluateResult",
    "Port",
    "Principal",
    "Progress",
    "PublishedEvent",
    "QueryTemplate",
    "RateLimitError",
    "ReadHandle",
    "Referrer",
    "Registry",
    "RepositoryError",
    "RepositoryProtocol",
    "RequestContext",
    "Row",
    "SchemaMapperProtocol",
    "Session",
    "SessionKind",
    "SessionProtocol",
    "SetAside",
    "StoreCapability",
    "StoredAnswer",
    "StoredEvent",
    "Subscriber",
    "TransientError",
    "UnitOfWorkFactoryProtocol",
    "UnitOfWorkProtocol",
    "UserAttribute",
    "VersionConflictError",
    "bounded",
    "document_from_values",
    "document_values",
    "full_selection",
    "latest_end",
    "matches",
    "parameterize",
    "retry",
    "row_to_document",
    "run_shielded",
    "system_context",
]
