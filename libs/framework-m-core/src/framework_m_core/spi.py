"""What packages import: the ports with their data types and errors, how values are stored, and what packages declare.

Whatever stands here keeps its meaning within a major version. Nothing else of core is promised to packages.
"""

from __future__ import annotations

from framework_m_core.controllers.consumer import consumer
from framework_m_core.controllers.declaration import Declaration, Declared, Registrar, declare
from framework_m_core.controllers.event_type import event_type
from framework_m_core.controllers.write_stage import Write, write_stage
from framework_m_core.domain.cache_entries import MAX_STORED_KEY, check_key, check_ttl, compile_key_pattern
from framework_m_core.domain.cached_values import decode_cached, encode_cached
from framework_m_core.domain.clock import Clock, IdGenerator, system_clock
from framework_m_core.domain.context import (
    ADMINISTRATOR,
    ALL,
    ANONYMOUS,
    AUTOMATIC_ROLES,
    GUEST,
    SOURCES,
    Principal,
    RegistryView,
    RequestContext,
    Source,
    make_system_context,
    make_system_principal,
)
from framework_m_core.domain.documents.actions import Action
from framework_m_core.domain.documents.child_rows import RowChanges, compare_rows
from framework_m_core.domain.documents.doctype import FRAMEWORK_FIELDS, VERSION_ATTRIBUTE, VERSION_FIELD, DocStatus
from framework_m_core.domain.documents.names import find_hidden_character, normalize_email, normalize_name
from framework_m_core.domain.documents.naming import IdNaming
from framework_m_core.domain.errors import (
    AuthenticationError,
    ConfigurationError,
    DatabaseError,
    DocTypeNotFoundError,
    DuplicateNameError,
    DuplicateValueError,
    EntityNotFoundError,
    FieldError,
    FrameworkError,
    IntegrityError,
    LastAdministratorError,
    LinkedDocumentError,
    MigrationError,
    OutcomeUnknownError,
    PermissionDeniedError,
    RateLimitError,
    RepositoryError,
    TransientError,
    ValidationError,
    VersionConflictError,
)
from framework_m_core.domain.events import (
    NO_DOCUMENT,
    AnyEvent,
    DomainEvent,
    Interest,
    PublishedEvent,
    StoredEvent,
    resolve_event_type,
    topic_of,
)
from framework_m_core.domain.ext import ExtNamespace
from framework_m_core.domain.fields.computed import find_info
from framework_m_core.domain.fields.defaults import default_of
from framework_m_core.domain.fields.field_type import FieldType, Part
from framework_m_core.domain.fields.sizes import VALUE_BYTES, measure_value
from framework_m_core.domain.fields.spec import DECIMAL_DIGITS, FieldKind, FieldSpec
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT, normalize_value
from framework_m_core.domain.filters.matching import compile_predicate, matches
from framework_m_core.domain.filters.parameterize import Placeholder, parameterize
from framework_m_core.domain.filters.patterns import fold_ascii
from framework_m_core.domain.filters.tree import (
    EVERYTHING,
    NOTHING,
    And,
    Comparison,
    Filter,
    Not,
    Or,
    UserAttribute,
    comparisons_of,
    fields_of,
)
from framework_m_core.domain.hash_keys import HashKey, hash_key, hash_keys
from framework_m_core.domain.page import DEFAULT_LIMIT, OrderSpec, PaginatedResult
from framework_m_core.domain.redaction import hide_password
from framework_m_core.interfaces.audit_log import AuditEntry, AuditLogProtocol
from framework_m_core.interfaces.authentication import AuthenticationProtocol, Credentials, Login
from framework_m_core.interfaces.bootstrap import (
    ROLES,
    ApplicationView,
    BootstrapProtocol,
    ContainerView,
    SettingsView,
)
from framework_m_core.interfaces.cache import CacheProtocol
from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_core.interfaces.consumers import (
    ConsumersProtocol,
    ConsumerState,
    DueEvent,
    ParkedEvent,
    Progress,
    SetAside,
    compute_latest_end,
)
from framework_m_core.interfaces.counter import CounterProtocol
from framework_m_core.interfaces.event_bus import (
    MAX_GROUP,
    Delivery,
    EventBusProtocol,
    ParkedDelivery,
    Subscriber,
    check_group,
)
from framework_m_core.interfaces.idempotency import IdempotencyProtocol, StoredResponse
from framework_m_core.interfaces.identity import (
    MAX_LISTED_USERS,
    Attributes,
    Identity,
    IdentityProtocol,
    check_attributes,
    check_user_limit,
)
from framework_m_core.interfaces.login_attempts import AttemptLimits, LoginAttemptsProtocol
from framework_m_core.interfaces.migration import (
    MigrationKind,
    MigrationProtocol,
    MigrationStatus,
    MigrationStep,
    WrittenRevision,
)
from framework_m_core.interfaces.outbox import EventBatch, OutboxProtocol
from framework_m_core.interfaces.permission import (
    ATTRIBUTES,
    BY_ROLES,
    MAX_EVALUATED,
    DecisionSource,
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
from framework_m_core.interfaces.unit_of_work import (
    MAX_REFERRERS,
    LinkedBy,
    UnitOfWorkFactoryProtocol,
    UnitOfWorkProtocol,
)
from framework_m_core.registry.additions import Additions
from framework_m_core.registry.compiled import BUILT_IN_APP, FRAMEWORK_SPECS, CompiledChildTable, CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Referrer, Registry
from framework_m_core.services.documents.codec import build_document
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.documents.validation import dump_document
from framework_m_core.services.events.broker.bus import BrokerBus
from framework_m_core.services.events.broker.codec import decode_event, encode_event
from framework_m_core.services.events.broker.group import (
    BrokerGroup,
    Entries,
    Failures,
    LeaseLostError,
    Retried,
    StoredGroup,
)
from framework_m_core.services.events.broker.reader import GroupReader, Retries
from framework_m_core.services.migrations.conversions import Convert, TextForm, find_exact_conversion
from framework_m_core.services.migrations.failures import (
    RUN_AGAIN,
    explain_error,
    format_one_line,
    translate_failures,
)
from framework_m_core.services.migrations.files.app_files import MigrationFile, MigrationFiles
from framework_m_core.services.migrations.files.folders import create_folders, delete_on_failure, write_patch
from framework_m_core.services.migrations.files.loading import load_file
from framework_m_core.services.migrations.files.patches import PatchFile
from framework_m_core.services.migrations.files.record import FORMER_APP, MigrationRecord, StepId
from framework_m_core.services.migrations.files.revision_files import RevisionStyle, write_revision
from framework_m_core.services.migrations.files.revisions import VERSIONS, RevisionFile, add_ancestors
from framework_m_core.services.migrations.files.source_code import BODY, call, format_literal, mark_long_lines
from framework_m_core.services.migrations.graph import MigrationGraph
from framework_m_core.services.migrations.locations import MigrationFolders
from framework_m_core.services.migrations.owners import Owner, find_owner
from framework_m_core.services.migrations.patch_runner import PatchRunner, PatchStore
from framework_m_core.services.migrations.stored_values import (
    Refusal,
    RefusedValues,
    StoredFields,
    advise_on_unfit_values,
    format_odd_names,
    is_odd_name,
    list_stored_fields,
    refuse_unfit_values,
)
from framework_m_core.services.migrations.verification import find_errors as find_migration_errors
from framework_m_core.services.migrations.verification import list_pending
from framework_m_core.services.rows.projection import LIVE, convert_row, select_stored_fields
from framework_m_core.services.runtime.injection import Injector
from framework_m_core.services.runtime.recent_entries import RecentEntries
from framework_m_core.services.runtime.retry import retry
from framework_m_core.services.runtime.shield import run_shielded
from framework_m_core.services.session_secrets import SessionRules, SessionSecrets, hash_secret, matches_hash

__all__ = [
    "ADAPTERS", "ADMINISTRATOR", "ALL", "ANONYMOUS", "ATTRIBUTES", "AUTOMATIC_ROLES", "BODY", "BUILT_IN_APP",
    "BY_ROLES", "DECIMAL_DIGITS", "DEFAULT_LIMIT", "EVERYTHING", "FORMER_APP", "FRAMEWORK_FIELDS", "FRAMEWORK_SPECS",
    "GUEST", "LIVE", "MAX_EVALUATED", "MAX_GROUP", "MAX_INDEXED_TEXT", "MAX_LISTED_USERS", "MAX_REFERRERS",
    "MAX_STORED_KEY", "NOTHING", "NO_DOCUMENT", "PORTS", "ROLES", "RUN_AGAIN", "SOURCES", "STORE", "VALUE_BYTES",
    "VERSIONS", "VERSION_ATTRIBUTE", "VERSION_FIELD", "Action", "Additions", "And", "AnyEvent", "ApplicationView",
    "AttemptLimits", "Attributes", "AuditEntry", "AuditLogProtocol", "AuthenticationError", "AuthenticationProtocol",
    "BootstrapProtocol", "BrokerBus", "BrokerGroup", "CacheProtocol", "ChildSelection", "Clock", "Comparison",
    "CompiledChildTable", "CompiledDocType", "ConfigurationError", "ConsumerState", "ConsumersProtocol",
    "ContainerView", "Convert", "CounterProtocol", "Credentials", "DatabaseError", "DecisionSource", "Declaration",
    "Declared", "Delivery", "Derived", "DocStatus", "DocTypeNotFoundError", "DocumentReaderProtocol", "DocumentService",
    "DomainEvent", "DueEvent", "DuplicateNameError", "DuplicateValueError", "EntityNotFoundError", "Entries",
    "EventBatch", "EventBusProtocol", "ExtNamespace", "Failures", "FieldError", "FieldKind", "FieldSpec", "FieldType",
    "Filter", "FrameworkError", "Grant", "GroupReader", "HashKey", "IdGenerator", "IdNaming", "IdempotencyProtocol",
    "Identity", "IdentityProtocol", "Injector", "IntegrityError", "Interest", "LastAdministratorError",
    "LeaseLostError", "LinkedBy", "LinkedDocumentError", "Lock", "Login", "LoginAttemptsProtocol", "MigrationError",
    "MigrationFile", "MigrationFiles", "MigrationFolders", "MigrationGraph", "MigrationKind", "MigrationProtocol",
    "MigrationRecord", "MigrationStatus", "MigrationStep", "Not", "OpenedSession", "Or", "OrderSpec", "OutboxProtocol",
    "OutcomeUnknownError", "Owner", "PaginatedResult", "ParkedDelivery", "ParkedEvent", "Part", "PatchFile",
    "PatchRunner", "PatchStore", "PermissionDeniedError", "PermissionProtocol", "Placeholder", "PolicyEvaluateRequest",
    "PolicyEvaluateResult", "Port", "Principal", "Progress", "PublishedEvent", "QueryTemplate", "RateLimitError",
    "ReadHandle", "RecentEntries", "Referrer", "Refusal", "RefusedValues", "Registrar", "Registry", "RegistryHandle",
    "RegistryView", "RepositoryError", "RepositoryProtocol", "RequestContext", "Retried", "Retries", "RevisionFile",
    "RevisionStyle", "Row", "RowChanges", "SchemaMapperProtocol", "Session", "SessionKind", "SessionProtocol",
    "SessionRules", "SessionSecrets", "SetAside", "SettingsView", "Source", "StepId", "StoreCapability", "StoredEvent",
    "StoredFields", "StoredGroup", "StoredResponse", "Subscriber", "TextForm", "TransientError",
    "UnitOfWorkFactoryProtocol", "UnitOfWorkProtocol", "UserAttribute", "ValidationError", "VersionConflictError",
    "Write", "WrittenRevision", "add_ancestors", "advise_on_unfit_values", "build_document", "call", "check_attributes",
    "check_group", "check_key", "check_ttl", "check_user_limit", "compare_rows", "comparisons_of",
    "compile_key_pattern", "compile_predicate", "compute_latest_end", "consumer", "convert_row", "create_folders",
    "declare", "decode_cached", "decode_event", "default_of", "delete_on_failure", "dump_document", "encode_cached",
    "encode_event", "event_type", "explain_error", "fields_of", "find_exact_conversion", "find_hidden_character",
    "find_info", "find_migration_errors", "find_owner", "fold_ascii", "format_literal", "format_odd_names",
    "format_one_line", "hash_key", "hash_keys", "hash_secret", "hide_password", "is_odd_name", "list_pending",
    "list_stored_fields", "load_file", "make_system_context", "make_system_principal", "mark_long_lines", "matches",
    "matches_hash", "measure_value", "normalize_email", "normalize_name", "normalize_value", "parameterize",
    "refuse_unfit_values", "resolve_event_type", "retry", "run_shielded", "select_stored_fields", "system_clock",
    "topic_of", "translate_failures", "write_patch", "write_revision", "write_stage",
]  # fmt: skip
