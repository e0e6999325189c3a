"""The stage `parse`: the document that a write makes of a body, and the checks of the document that is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import VERSION_FIELD, DocStatus
from framework_m_core.domain.errors import PreconditionFailedError, SubmittedDocumentError, VersionConflictError
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.changes import difference
from framework_m_core.services.documents.codec import attributes_from_values
from framework_m_core.services.documents.hooks import kept_attributes, settle
from framework_m_core.services.documents.merging import unseen_fields, update_values
from framework_m_core.services.documents.validation import document_values, validate
from framework_m_core.services.documents.write import Loaded, Operation

__all__ = [
    "NO_VERSION",
    "Expected",
    "Parse",
    "check_state",
    "check_version",
    "identify_rows",
    "parse_body",
    "parse_change",
    "restamped",
]

NO_VERSION = 0
"""A version that no stored document has; versions start at 1."""

type Parse = Callable[[RequestContext, Grant, Loaded, Operation], BaseModel]
"""Makes the document that is written of the stored one."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The version that a caller expects; `precondition` is set if it comes from a header, not from `_version`."""

    version: int | None = None
    precondition: bool = False


def parse_body(body: Mapping[str, Any], ids: IdGenerator) -> Parse:
    """Return what merges a body into a stored document. It raises ValidationError and SubmittedDocumentError."""

    def parse(context: RequestContext, grant: Grant, loaded: Loaded, operation: Operation) -> BaseModel:
        plan = loaded.plan
        merged = update_values(plan, grant, lambda: loaded.served, loaded.values, body)
        _check_unseen(loaded, body)
        if plan.children:
            identify_rows(plan, merged, ids)
        values = {**attributes_from_values(plan, loaded.values), **merged}
        draft = validate(plan, restamped(values, context, operation))
        check_state(operation, loaded, draft)
        return draft

    return parse


def parse_change(change: Callable[[Any], None], ids: IdGenerator) -> Parse:
    """Return what lets a function change a stored document, framework fields aside. It raises ValidationError."""

    def parse(context: RequestContext, grant: Grant, loaded: Loaded, operation: Operation) -> BaseModel:
        document = loaded.document
        kept = kept_attributes(document)
        change(document)
        draft = settle(loaded.plan, document, restamped(kept, context, operation), ids)
        check_state(operation, loaded, draft)
        return draft

    return parse


def restamped(values: Mapping[str, Any], context: RequestContext, operation: Operation) -> dict[str, Any]:
    """Return the attributes of a changed document, by whom and when it is changed."""
    stamps: dict[str, Any] = {"modified": context.clock(), "modified_by": context.principal.id}
    if operation.docstatus is not None:
        stamps["docstatus"] = operation.docstatus
    return {**values, **stamps}


def identify_rows(plan: CompiledDocType, values: Mapping[str, Any], ids: IdGenerator) -> None:
    """Assign ids to new child rows."""
    for name in plan.children.keys() & values.keys():
        for row in values[name]:
            if "id" not in row:
                row["id"] = ids()


def check_version(loaded: Loaded, expected: Expected) -> None:
    """Raise VersionConflictError, or PreconditionFailedError for a precondition, if the stored version differs."""
    stored = loaded.values[VERSION_FIELD]
    if expected.version is None or expected.version == stored:
        return
    message = f"the document is at version {stored}, not {expected.version}: read it again and repeat the change"
    if expected.version == NO_VERSION:
        message = "expected the current ETag of the document in If-Match, or another one in If-None-Match"
    raise (PreconditionFailedError if expected.precondition else VersionConflictError)(message, version=stored)


def _check_unseen(loaded: Loaded, body: Mapping[str, Any]) -> None:
    """Raise SubmittedDocumentError if the caller sets a fixed field without being able to read it.

    The values are not compared, since the result would reveal what is stored.
    """
    if loaded.values["docstatus"] == DocStatus.DRAFT:
        return
    if unseen := unseen_fields(loaded.plan, loaded.reading.readable, body):
        word = DocStatus(loaded.values["docstatus"]).name.lower()
        raise SubmittedDocumentError(f"the document is {word}: its fields cannot be changed", fields=unseen)


def check_state(operation: Operation, loaded: Loaded, draft: BaseModel) -> None:
    """Raise SubmittedDocumentError unless the document's status permits the operation to make a draft of it."""
    status = loaded.values["docstatus"]
    if operation.name == "delete":
        if status == DocStatus.SUBMITTED:
            raise SubmittedDocumentError("a submitted document cannot be deleted: cancel it first")
    elif operation.docstatus is not None:
        if status != _WANTED[operation.docstatus]:
            word = DocStatus(status).name.lower()
            raise SubmittedDocumentError(f"a {word} document cannot be {operation.docstatus.name.lower()}")
    elif status != DocStatus.DRAFT:
        _check_fixed(loaded, draft, DocStatus(status))


def _check_fixed(loaded: Loaded, draft: BaseModel, status: DocStatus) -> None:
    plan = loaded.plan
    changed = difference(plan, loaded.values, document_values(plan, draft))
    fixed = [name for name in changed if not plan.fields[name].allow_on_submit]
    if fixed or status is DocStatus.CANCELLED:
        shown = ", ".join(name for name in fixed if name in loaded.reading.readable) or "its fields"
        raise SubmittedDocumentError(f"the document is {status.name.lower()}: {shown} cannot be changed", fields=fixed)


_WANTED: Final[Mapping[DocStatus, DocStatus]] = {
    DocStatus.SUBMITTED: DocStatus.DRAFT,
    DocStatus.CANCELLED: DocStatus.SUBMITTED,
}
