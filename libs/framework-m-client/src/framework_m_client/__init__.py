"""A typed client of the HTTP API of Framework M, sync and async."""

from framework_m_client.async_client import AsyncClient
from framework_m_client.async_doctype_client import AsyncDocTypeClient
from framework_m_client.client import Client
from framework_m_client.doctype_client import DocTypeClient
from framework_m_client.errors import (
    AuthenticationError,
    ClientError,
    ConflictError,
    CursorMissingError,
    DocumentLinkedError,
    DocumentSubmittedError,
    DuplicateNameError,
    DuplicateValueError,
    FieldError,
    IdempotencyConflictError,
    InvalidLinkError,
    NotFoundError,
    OutcomeUnknownError,
    PermissionDeniedError,
    ProblemError,
    QueryError,
    RateLimitError,
    ServerUnreachableError,
    ServiceUnavailableError,
    UnexpectedResponseError,
    ValidationError,
    VersionConflictError,
)
from framework_m_client.filters import FieldReference, Filter, Filters, field
from framework_m_client.operations import ListQuery, Page, SelectQuery
from framework_m_client.retries import RetryPolicy
from framework_m_client.selections import GetManyQuery
from framework_m_client.session import Tokens, User

__all__ = [
    "AsyncClient",
    "AsyncDocTypeClient",
    "AuthenticationError",
    "Client",
    "ClientError",
    "ConflictError",
    "CursorMissingError",
    "DocTypeClient",
    "DocumentLinkedError",
    "DocumentSubmittedError",
    "DuplicateNameError",
    "DuplicateValueError",
    "FieldError",
    "FieldReference",
    "Filter",
    "Filters",
    "GetManyQuery",
    "IdempotencyConflictError",
    "InvalidLinkError",
    "ListQuery",
    "NotFoundError",
    "OutcomeUnknownError",
    "Page",
    "PermissionDeniedError",
    "ProblemError",
    "QueryError",
    "RateLimitError",
    "RetryPolicy",
    "SelectQuery",
    "ServerUnreachableError",
    "ServiceUnavailableError",
    "Tokens",
    "UnexpectedResponseError",
    "User",
    "ValidationError",
    "VersionConflictError",
    "field",
]
