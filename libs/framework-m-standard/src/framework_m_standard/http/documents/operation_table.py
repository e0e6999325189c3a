"""The table of operations on documents: to add one, add an entry here and a handler in `DocumentActions`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from framework_m_core.registry.compiled import CompiledDocType
from framework_m_standard.http.documents.actions import DocumentActions
from framework_m_standard.http.documents.operation import Operation
from framework_m_standard.http.documents.operation_schemas import (
    schema_of_amendment,
    schema_of_computed_form,
    schema_of_copy,
    schema_of_creation,
    schema_of_document,
    schema_of_expected_version,
    schema_of_form,
    schema_of_page,
    schema_of_rename,
    schema_of_search_parameters,
    schema_of_update,
)
from framework_m_standard.http.documents.query_parameters import DOCUMENT_QUERY, LIST_QUERY

__all__ = ["list_document_operations"]

_CONDITIONS: Final = ("if_match", "if_none_match")
_WRITE_HEADERS: Final = (*_CONDITIONS, "idempotency_key")
_ON_ONE: Final = (400, 401, 403, 404)
_BODY: Final = (413, 415)
_TAGGED: Final = ("ETag", "Cache-Control")
_SEARCH_OCTETS: Final = 256 * 1024
"""The largest body of a search, in bytes: enough for a filter with 1,000 values."""


_COMPUTE_OCTETS: Final = 1024 * 1024
"""The largest body of a form, in bytes."""


def _is_submittable(plan: CompiledDocType) -> bool:
    return plan.meta.submittable


def _can_rename(plan: CompiledDocType) -> bool:
    return plan.meta.can_rename


_OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        name="list",
        method="GET",
        path="{doctype}",
        action="read",
        lesser_action="select",
        handler=DocumentActions.list,
        summary="List {doctype} documents",
        statuses=(200, 304),
        errors=(400, 401, 403, 412, 429, 503),
        query=LIST_QUERY,
        headers=_CONDITIONS,
        response=schema_of_page,
        response_headers=_TAGGED,
    ),
    Operation(
        name="search",
        method="POST",
        path="{doctype}/search",
        action="read",
        lesser_action="select",
        handler=DocumentActions.search,
        summary="Search {doctype} documents by parameters in the body",
        errors=(400, 401, 403, *_BODY, 429, 503),
        body_limit=_SEARCH_OCTETS,
        request=schema_of_search_parameters,
        response=schema_of_page,
        response_headers=("Cache-Control",),
    ),
    Operation(
        name="compute",
        method="POST",
        path="{doctype}/compute",
        action="create",
        other_action="write",
        handler=DocumentActions.compute,
        summary="Compute the values of a {doctype} form",
        errors=(400, 401, 403, 404, *_BODY, 429, 503),
        body_limit=_COMPUTE_OCTETS,
        request=schema_of_form,
        request_required=True,
        response=schema_of_computed_form,
        response_headers=("Cache-Control",),
    ),
    Operation(
        name="create",
        method="POST",
        path="{doctype}",
        action="create",
        handler=DocumentActions.create,
        summary="Create a new {doctype}",
        statuses=(201,),
        errors=(400, 401, 403, 409, *_BODY, 429, 503),
        headers=("idempotency_key",),
        request=schema_of_creation,
        request_required=True,
        response=schema_of_document,
        response_headers=("Location", *_TAGGED),
    ),
    Operation(
        name="get",
        method="GET",
        path="{doctype}/{id}",
        action="read",
        handler=DocumentActions.get,
        summary="Get one {doctype}",
        statuses=(200, 304),
        errors=(*_ON_ONE, 412, 503),
        query=DOCUMENT_QUERY,
        headers=_CONDITIONS,
        response=schema_of_document,
        response_headers=_TAGGED,
    ),
    Operation(
        name="replace",
        method="PUT",
        path="{doctype}/{id}",
        action="write",
        handler=DocumentActions.replace,
        summary="Update one {doctype} of a known version",
        errors=(*_ON_ONE, 409, 412, *_BODY, 428, 429, 503),
        headers=_WRITE_HEADERS,
        request=schema_of_update,
        request_required=True,
        response=schema_of_document,
        response_headers=_TAGGED,
    ),
    Operation(
        name="update",
        method="PATCH",
        path="{doctype}/{id}",
        action="write",
        handler=DocumentActions.update,
        summary="Update one {doctype}",
        errors=(*_ON_ONE, 409, 412, *_BODY, 429, 503),
        headers=_WRITE_HEADERS,
        request=schema_of_update,
        request_required=True,
        response=schema_of_document,
        response_headers=_TAGGED,
    ),
    Operation(
        name="delete",
        method="DELETE",
        path="{doctype}/{id}",
        action="delete",
        handler=DocumentActions.delete,
        summary="Delete one {doctype}",
        statuses=(204,),
        errors=(*_ON_ONE, 409, 412, 429, 503),
        query=("hard",),
        headers=_WRITE_HEADERS,
    ),
    Operation(
        name="purge",
        method="DELETE",
        path="{doctype}/{id}",
        variant="hard=true",
        action="purge",
        handler=DocumentActions.delete,
        summary="Delete one {doctype} permanently",
        statuses=(204,),
    ),
    Operation(
        name="restore",
        method="POST",
        path="{doctype}/{id}/restore",
        action="delete",
        handler=DocumentActions.restore,
        summary="Restore one deleted {doctype}",
        errors=(*_ON_ONE, 409, 412, *_BODY, 429, 503),
        headers=_WRITE_HEADERS,
        request=schema_of_expected_version,
        response=schema_of_document,
        response_headers=_TAGGED,
    ),
    Operation(
        name="rename",
        method="POST",
        path="{doctype}/{id}/rename",
        action="write",
        handler=DocumentActions.rename,
        summary="Give one {doctype} another name",
        errors=(*_ON_ONE, 409, 412, *_BODY, 429, 503),
        headers=_WRITE_HEADERS,
        request=schema_of_rename,
        request_required=True,
        response=schema_of_document,
        response_headers=_TAGGED,
        serves=_can_rename,
    ),
    Operation(
        name="duplicate",
        method="POST",
        path="{doctype}/{id}/duplicate",
        action="create",
        handler=DocumentActions.duplicate,
        summary="Create a copy of one {doctype}",
        statuses=(201,),
        errors=(*_ON_ONE, 409, *_BODY, 429, 503),
        headers=("idempotency_key",),
        request=schema_of_copy,
        response=schema_of_document,
        response_headers=("Location", *_TAGGED),
    ),
    Operation(
        name="submit",
        method="POST",
        path="{doctype}/{id}/submit",
        action="submit",
        handler=DocumentActions.submit,
        summary="Submit one {doctype}",
        errors=(*_ON_ONE, 409, 412, *_BODY, 429, 503),
        headers=_WRITE_HEADERS,
        request=schema_of_expected_version,
        response=schema_of_document,
        response_headers=_TAGGED,
        serves=_is_submittable,
    ),
    Operation(
        name="cancel",
        method="POST",
        path="{doctype}/{id}/cancel",
        action="cancel",
        handler=DocumentActions.cancel,
        summary="Cancel one submitted {doctype}",
        errors=(*_ON_ONE, 409, 412, *_BODY, 429, 503),
        headers=_WRITE_HEADERS,
        request=schema_of_expected_version,
        response=schema_of_document,
        response_headers=_TAGGED,
        serves=_is_submittable,
    ),
    Operation(
        name="amend",
        method="POST",
        path="{doctype}/{id}/amend",
        action="amend",
        handler=DocumentActions.amend,
        summary="Create a draft in place of one cancelled {doctype}",
        statuses=(201,),
        errors=(*_ON_ONE, 409, 412, *_BODY, 429, 503),
        headers=_WRITE_HEADERS,
        request=schema_of_amendment,
        response=schema_of_document,
        response_headers=("Location", *_TAGGED),
        serves=_is_submittable,
    ),
)


def list_document_operations() -> Sequence[Operation]:
    """Return all operations, including variants."""
    return _OPERATIONS
