"""`DocumentWrite`: one write in progress, and the kinds of write operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.controllers.write_stage import WriteOperation
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import VERSION_FIELD, DocStatus
from framework_m_core.domain.errors import ControllerError
from framework_m_core.domain.events import (
    DocCancelled,
    DocCreated,
    DocDeleted,
    DocRestored,
    DocSubmitted,
    DocUpdated,
    DomainEvent,
)
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.codec import build_document
from framework_m_core.services.documents.hooks import HookRun
from framework_m_core.services.rows.projection import select_readable

__all__ = [
    "AMEND",
    "CANCEL",
    "CREATE",
    "DELETE",
    "DUPLICATE",
    "PURGE",
    "RENAME",
    "RESTORE",
    "SUBMIT",
    "UPDATE",
    "DocumentWrite",
    "Loaded",
    "Operation",
    "refuse_unstored",
]


@dataclass(frozen=True, slots=True)
class Operation:
    """A kind of write: the permission that it needs, its event, and the hooks before and after storing."""

    name: WriteOperation
    action: str
    event: type[DomainEvent]
    before: tuple[str, ...]
    after: tuple[str, ...]
    docstatus: DocStatus | None = None


CREATE: Final = Operation(
    "create", "create", DocCreated, ("validate", "before_insert", "before_save"), ("after_save", "after_insert")
)
DUPLICATE: Final = replace(CREATE)
"""Creation of a copy of a document."""

AMEND: Final = replace(CREATE, action="amend")
"""Creation of a draft in place of a cancelled document."""

UPDATE: Final = Operation("update", "write", DocUpdated, ("validate", "before_save"), ("after_save",))
RENAME: Final = Operation("update", "write", DocUpdated, ("validate", "before_save"), ("after_save",))
SUBMIT: Final = Operation(
    "submit",
    "submit",
    DocSubmitted,
    ("validate", "before_save", "before_submit", "on_submit"),
    ("after_save",),
    DocStatus.SUBMITTED,
)
CANCEL: Final = Operation(
    "cancel", "cancel", DocCancelled, ("before_cancel", "on_cancel"), ("after_save",), DocStatus.CANCELLED
)
DELETE: Final = Operation("delete", "delete", DocDeleted, ("before_delete",), ("after_delete",))
PURGE: Final = Operation("delete", "purge", DocDeleted, ("before_delete",), ("after_delete",))
RESTORE: Final = Operation("restore", "delete", DocRestored, ("validate", "before_restore"), ("after_restore",))

_MAX_DEPTH: Final = 25
"""How deep hooks that write documents run within each other: less deep than Python's own limit of calls."""

_ASSIGN: Final = (
    "that is about to be stored: assign to self.doc instead (a stage: to write.document, before validate), "
    "or write it from after_save or an event handler"
)
_LEAVE: Final = "that is about to be deleted: leave it as it is"


@dataclass(eq=False)
class Loaded:
    """A loaded document as stored values, with its model and served form made on request.

    `sets_hidden` notes that the body to write sets what its caller cannot read: it counts as a change, since whether it
    differs from what is stored is not told.
    """

    plan: CompiledDocType
    values: Mapping[str, Any]
    reading: Grant
    is_locked: bool = False
    sets_hidden: bool = False

    @property
    def document(self) -> BaseModel:
        """The document as a new model instance."""
        return build_document(self.plan, self.values)

    @cached_property
    def served(self) -> Mapping[str, Any]:
        """The document as it is served to the caller."""
        return select_readable(self.plan, self.reading.readable, self.values)


class DocumentWrite:
    """One write in an open unit of work, from the parsed document to the stored one. Its stages set what follows.

    `document` is what is written, `values` its stored values, `changes` what differs from `stored`. `kept`,
    `checked_links` and `named_by` are values before hooks ran: framework fields, links and parts of the name. `hooks`
    and `client` are there from the first hook or declared stage on. `running` names the hook or declared stage that
    runs, `is_storing` tells that the document is being stored or is, `wrote` that a hook or stage wrote a document.
    `depth` counts the writes whose hooks led to this one.
    """

    def __init__(
        self,
        operation: Operation,
        unit: UnitOfWorkProtocol,
        context: RequestContext,
        plan: CompiledDocType,
        grant: Grant,
        document: BaseModel,
        client_for: Callable[[RequestContext], DocumentClient],
        loaded: Loaded | None = None,
    ) -> None:
        self.operation = operation
        self.unit = unit
        self.context = context
        self.plan = plan
        self.grant = grant
        self.document = document
        self.client_for = client_for
        self.loaded = loaded
        self.sets_hidden = loaded is not None and loaded.sets_hidden
        self.stored: Mapping[str, Any] = loaded.values if loaded else {}
        self.values: dict[str, Any] = {}
        self.changes: dict[str, Any] = {}
        self.kept: Mapping[str, Any] = {}
        self.checked_links: Mapping[str, Any] = {}
        self.named_by = ""
        self.is_unchanged = False
        self.hooks: HookRun | None = None
        self.client: DocumentClient | None = None
        self.running = ""
        self.is_storing = self.wrote = False
        self.depth = 0
        self.cause: DocumentWrite | None = context.write

    def join(self) -> tuple[RequestContext, DocumentClient]:
        """Return the context and the client by which hooks and declared stages join the unit of work."""
        if self.client is None:
            self.client = self.client_for(self.context.within(self.unit, self))
        return self.client.context, self.client

    def to_deleted_values(self) -> dict[str, Any]:
        """Return the stored values as those of a document that is deleted now."""
        now, version = self.context.clock(), self.stored[VERSION_FIELD] + 1
        return {**self.stored, "modified": now, "deleted_at": now, VERSION_FIELD: version}

    def mark_cause(self) -> None:
        """Tell the write whose hook or stage causes this one.

        Raises ControllerError if that hook runs before this same document is stored, or if hooks cause each other
        without end.
        """
        cause = self.cause
        if cause is not None:
            cause.wrote = True
            self.depth = cause.depth + 1
            if self.depth > _MAX_DEPTH:
                raise ControllerError(
                    f"{cause.running} causes itself: expected hooks to write documents at most {_MAX_DEPTH} deep; let "
                    "it write only where something is to change",
                    running=cause.running,
                )
        while cause is not None and self.loaded is not None:
            if not cause.is_storing and cause.plan is self.plan and cause.stored.get("id") == self.stored["id"]:
                raise cause.refuse_own_write()
            cause = cause.cause

    def refuse_own_write(self) -> ControllerError:
        """Return the error of a hook or stage that writes this document before it is stored."""
        advice = _LEAVE if self.operation.name == "delete" else _ASSIGN
        return ControllerError(f"{self.running} writes the document {advice}", running=self.running)


def refuse_unstored(cause: DocumentWrite | None, plan: CompiledDocType, ref: UUID | str) -> None:
    """Raise ControllerError if a reference that is not found is the document that a hook's write is about to create."""
    while cause is not None:
        values = vars(cause.document)
        if not (cause.stored or cause.is_storing) and cause.plan is plan and ref in (values["id"], values.get("name")):
            raise cause.refuse_own_write()
        cause = cause.cause
