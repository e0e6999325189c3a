"""What an app imports, the same on every variant of Framework M."""

from framework_m_core.controllers.consumer import ConsumerUnavailableError, consumer
from framework_m_core.controllers.controller import Controller, Documents
from framework_m_core.controllers.event_handler import on
from framework_m_core.controllers.event_type import event_type
from framework_m_core.controllers.rpc import requires_permission, rpc, whitelist
from framework_m_core.controllers.write_stage import Write, write_stage
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import DocStatus
from framework_m_core.domain.errors import (
    DocTypeNotFoundError,
    DuplicateNameError,
    DuplicateValueError,
    EntityNotFoundError,
    FieldError,
    FrameworkError,
    LinkedDocumentError,
    LinkTargetError,
    PermissionDeniedError,
    QueryError,
    SubmittedDocumentError,
    TransientError,
    ValidationError,
    VersionConflictError,
)
from framework_m_core.domain.events import (
    AnyEvent,
    DocCancelled,
    DocCreated,
    DocDeleted,
    DocRestored,
    DocSubmitted,
    DocUpdated,
    DomainEvent,
    PublishedEvent,
)
from framework_m_core.domain.fields.computed import computed
from framework_m_core.domain.fields.dynamic_default import CurrentUser, Now, Today
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.filters.tree import And, Comparison, Not, Or, UserAttribute
from framework_m_core.interfaces.cache import CacheProtocol
from framework_m_standard.doctypes.base_doctype import BaseDocType as DocType

__all__ = [
    "And",
    "AnyEvent",
    "CacheProtocol",
    "Comparison",
    "ConsumerUnavailableError",
    "Controller",
    "CurrentUser",
    "DocCancelled",
    "DocCreated",
    "DocDeleted",
    "DocRestored",
    "DocStatus",
    "DocSubmitted",
    "DocType",
    "DocTypeNotFoundError",
    "DocUpdated",
    "Documents",
    "DomainEvent",
    "DuplicateNameError",
    "DuplicateValueError",
    "EntityNotFoundError",
    "Field",
    "FieldError",
    "FrameworkError",
    "LinkTargetError",
    "LinkedDocumentError",
    "Not",
    "Now",
    "Or",
    "PermissionDeniedError",
    "PublishedEvent",
    "QueryError",
    "RequestContext",
    "SubmittedDocumentError",
    "Today",
    "TransientError",
    "UserAttribute",
    "ValidationError",
    "VersionConflictError",
    "Write",
    "computed",
    "consumer",
    "event_type",
    "on",
    "requires_permission",
    "rpc",
    "whitelist",
    "write_stage",
]
