"""The stage `parse`: the document that a write makes from a body, and the checks of the stored document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import VERSION_FIELD, DocStatus
from framework_m_core.domain.documents.naming import FieldNaming
from framework_m_core.domain.errors import (
    DocumentNotDeletedError,
    FieldError,
    PreconditionFailedError,
    SubmittedDocumentError,
    ValidationError,
    VersionConflictError,
)
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.changes import compare_values, find_locked_paths
from framework_m_core.services.documents.codec import convert_to_attributes
from framework_m_core.services.documents.hooks import complete_draft, framework_attributes_of
from framework_m_core.services.documents.links import clear_stale_fetches
from framework_m_core.services.documents.merging import find_unseen_fields, read_creation, sets_hidden, update_values
from framework_m_core.services.documents.naming import check_name, follow_field, normalize_naming_field
from framework_m_core.services.documents.validation import dump_document, validate
from framework_m_core.services.documents.values.defaults import fill_added_rows, fill_defaults, fill_new_rows
from framework_m_core.services.documents.values.set_once import refuse_set_again
from framework_m_core.services.documents.writing.write import RENAME, RESTORE, Loaded, Operation

__all__ = [
    "NO_VERSION",
    "STAMPS",
    "Expected",
    "Parse",
    "check_creation",
    "check_state",
    "check_version",
    "find_parse",
    "has_changed",
    "identify_rows",
    "parse_body",
    "parse_change",
    "parse_delete",
    "parse_rename",
    "parse_restore",
    "restamp",
]

_MAX_FAULTS: Final = 100
NO_VERSION = 0
"""A version that no stored document has; versions start at 1."""

STAMPS: Final = ("id", "owner", "creation", "modified", "modified_by", "name")
"""What a new document keeps if the write of it is tried again."""

type Parse = Callable[[RequestContext, Grant, Loaded, Operation], BaseModel]
"""Returns the document to write, made from the stored one."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The version that a caller expects; `precondition` is set if it comes from a header, not from `_version`."""

    version: int | None = None
    precondition: bool = False


def parse_body(body: Mapping[str, Any], ids: IdGenerator) -> Parse:
    """Return a function that merges a body into a stored document.

    It raises ValidationError and SubmittedDocumentError.
    """

    def parse(context: RequestContext, grant: Grant, loaded: Loaded, operation: Operation) -> BaseModel:
        plan = loaded.plan
        known = _drop_unseen(loaded, body)
        merged = update_values(plan, grant, lambda: loaded.served, loaded.values, body, known)
        _check_unseen(loaded, body)
        loaded.sets_hidden = sets_hidden(plan, loaded.reading.readable, body)
        if plan.children:
            fill_new_rows(context, plan, merged)
            identify_rows(plan, merged, ids)
        values = {**convert_to_attributes(plan, loaded.values), **merged}
        if isinstance(plan.naming, FieldNaming):
            normalize_naming_field(plan.naming, values)
        draft = validate(plan, restamp(values, context, operation), known)
        follow_field(plan, loaded.values, draft)
        if plan.set_once:
            refuse_set_again(context, plan, loaded.values, dump_document(plan, draft), body, loaded.reading.readable)
        check_state(operation, loaded, draft)
        if plan.has_fetches:  # a fetched value may differ only once its new target is read
            clear_stale_fetches(plan, vars(draft), loaded.values)
        return draft

    return parse


def _drop_unseen(loaded: Loaded, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the stored values without those that a body sets and the caller cannot read.

    An old value is accepted because it is stored, which would confirm a guess.
    """
    plan, readable = loaded.plan, loaded.reading.readable
    if not sets_hidden(plan, readable, body):
        return loaded.values
    unseen = {name for name in body if name in plan.fields and name not in readable}
    known = {name: value for name, value in loaded.values.items() if name not in unseen}
    for field in plan.children.keys() & body.keys() & known.keys():
        given = {name for row in body[field] if isinstance(row, Mapping) for name in row} - {"id"}
        columns = {name for name in given if f"{field}.{name}" not in readable}
        known[field] = [{name: value for name, value in row.items() if name not in columns} for row in known[field]]
    return known


def check_creation(
    context: RequestContext, plan: CompiledDocType, grant: Grant, body: Mapping[str, Any], ids: IdGenerator
) -> None:
    """Raise ValidationError for a body that makes no document, with links and the name left out."""
    values, _ = read_creation(plan, grant, body)
    fill_defaults(context, plan, values)
    identify_rows(plan, values, ids)
    now, actor = context.clock(), context.principal.id
    validate(plan, {**values, "id": ids(), "owner": actor, "creation": now, "modified": now, "modified_by": actor})


def parse_rename(body: Mapping[str, Any]) -> Parse:
    """Return a function that gives a stored draft the name in a body, as the field that it is named by, too.

    It raises ValidationError, and SubmittedDocumentError for other documents than drafts.
    """

    def parse(context: RequestContext, grant: Grant, loaded: Loaded, operation: Operation) -> BaseModel:
        plan, values = loaded.plan, convert_to_attributes(loaded.plan, loaded.values)
        values["name"] = _new_name(body)
        if loaded.values["docstatus"] != DocStatus.DRAFT:
            word = DocStatus(loaded.values["docstatus"]).name.lower()
            raise SubmittedDocumentError(f"the document is {word}: name cannot be changed", fields=["name"])
        if isinstance(plan.naming, FieldNaming):
            if plan.naming.field not in grant.writable:
                raise ValidationError("the document cannot be renamed", [FieldError("name", "not_writable")])
            values[plan.naming.field] = values["name"]
        draft = validate(plan, restamp(values, context, operation), loaded.values)
        if isinstance(plan.naming, FieldNaming):
            vars(draft)["name"] = check_name(vars(draft)[plan.naming.field])
        return draft

    return parse


def _new_name(body: Mapping[str, Any]) -> str:
    unknown = [name for name in body if name not in ("name", VERSION_FIELD)]
    errors = [FieldError(name, "unknown_field") for name in unknown[:_MAX_FAULTS]]
    name = body.get("name")
    if name is None:
        errors.append(FieldError("name", "required"))
    elif not isinstance(name, str):
        errors.append(FieldError("name", "wrong_type", params={"type": "text"}))
    if errors or not isinstance(name, str):
        raise ValidationError("expected the new name as name, and nothing else", errors)
    return check_name(name)


def parse_restore(context: RequestContext, grant: Grant, loaded: Loaded, operation: Operation) -> BaseModel:
    """Return a deleted document as a live one. Raises DocumentNotDeletedError for one that is live already."""
    if loaded.values["deleted_at"] is None:
        raise DocumentNotDeletedError(f"expected a deleted {loaded.plan.name} to restore, got one that is not deleted")
    values = {**convert_to_attributes(loaded.plan, loaded.values), "deleted_at": None}
    return validate(loaded.plan, restamp(values, context, operation), loaded.values)


def find_parse(operation: Operation, body: Mapping[str, Any], ids: IdGenerator) -> Parse:
    """Return the function that makes the document to write of the stored one and the body of an operation."""
    if operation.name == "delete":
        return parse_delete
    if operation is RESTORE:
        return parse_restore
    return parse_rename(body) if operation is RENAME else parse_body(body, ids)


def parse_change(change: Callable[[Any], None], ids: IdGenerator) -> Parse:
    """Return a function that applies a change to a stored document, except to framework fields.

    It raises ValidationError.
    """

    def parse(context: RequestContext, grant: Grant, loaded: Loaded, operation: Operation) -> BaseModel:
        document = loaded.document
        kept = framework_attributes_of(document)
        change(document)
        fill_added_rows(context, loaded.plan, document)
        stamped = restamp(kept, context, operation)
        draft = complete_draft(loaded.plan, document, stamped, ids, loaded.values, loaded.values)
        follow_field(loaded.plan, loaded.values, draft)
        if loaded.plan.set_once:
            refuse_set_again(context, loaded.plan, loaded.values, dump_document(loaded.plan, draft))
        check_state(operation, loaded, draft)
        return draft

    return parse


def parse_delete(context: RequestContext, grant: Grant, loaded: Loaded, operation: Operation) -> BaseModel:
    """Return the stored document. Raises SubmittedDocumentError for one that cannot be deleted."""
    document = loaded.document
    check_state(operation, loaded, document)
    return document


def has_changed(loaded: Loaded, document: BaseModel) -> bool:
    """Return whether a document differs from the stored one; one that cannot be compared does."""
    try:
        return bool(compare_values(loaded.plan, loaded.values, dump_document(loaded.plan, document)))
    except (AttributeError, KeyError, TypeError):
        return True


def restamp(values: Mapping[str, Any], context: RequestContext, operation: Operation) -> dict[str, Any]:
    """Return the attributes of a changed document, with who changes it and when."""
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
    if unseen := find_unseen_fields(loaded.plan, loaded.reading.readable, body):
        word = DocStatus(loaded.values["docstatus"]).name.lower()
        raise SubmittedDocumentError(
            f"expected a draft, got a {word} document, whose fields cannot be changed", fields=unseen
        )


def check_state(operation: Operation, loaded: Loaded, draft: BaseModel) -> None:
    """Raise SubmittedDocumentError unless the document's status permits the operation to make a draft of it."""
    status = loaded.values["docstatus"]
    if operation.name == "delete":
        if status == DocStatus.SUBMITTED:
            raise SubmittedDocumentError(
                "expected a draft or a cancelled document, got a submitted one: cancel it first"
            )
    elif operation.docstatus is not None:
        required = _REQUIRED_STATUS[operation.docstatus]
        if status != required:
            expected, got = required.name.lower(), DocStatus(status).name.lower()
            raise SubmittedDocumentError(f"expected a {expected} document to {operation.name}, got a {got} one")
    elif operation.name == "restore":
        if status != DocStatus.DRAFT and has_changed(loaded, draft):
            raise SubmittedDocumentError("expected hooks to leave a cancelled document as it is when it is restored")
    elif status != DocStatus.DRAFT:
        _check_fixed(loaded, draft, DocStatus(status))


def _check_fixed(loaded: Loaded, draft: BaseModel, status: DocStatus) -> None:
    plan = loaded.plan
    changed = compare_values(plan, loaded.values, dump_document(plan, draft))
    locked = [path for name, (old, new) in changed.items() for path in find_locked_paths(plan, name, old, new)]
    if locked or status is DocStatus.CANCELLED:
        shown = ", ".join(name for name in locked if name in loaded.reading.readable) or "its fields"
        raise SubmittedDocumentError(
            f"expected a draft, got a {status.name.lower()} document, in which {shown} cannot be changed", fields=locked
        )


_REQUIRED_STATUS: Final[Mapping[DocStatus, DocStatus]] = {
    DocStatus.SUBMITTED: DocStatus.DRAFT,
    DocStatus.CANCELLED: DocStatus.SUBMITTED,
}
