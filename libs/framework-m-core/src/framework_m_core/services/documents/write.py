"""`DocumentWrite`: one write in progress, and the operations that there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from pydantic import BaseModel

from framework_m_core.controllers.write_stage import WriteOperation
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import DocStatus
from framework_m_core.domain.events import (
    DocCancelled,
    DocCreated,
    DocDeleted,
    DocSubmitted,
    DocUpdated,
    DomainEvent,
)
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.codec import document_from_values
from framework_m_core.services.documents.hooks import HookRun
from framework_m_core.services.queries.projection import visible

__all__ = [
    "CANCEL",
    "CREATE",
    "DELETE",
    "PURGE",
    "SUBMIT",
    "UPDATE",
    "DocumentWrite",
    "Loaded",
    "Operation",
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
UPDATE: Final = Operation("update", "write", DocUpdated, ("validate", "before_save"), ("after_save",))
SUBMIT: Final = Operation(
    "submit", "submit", DocSubmitted, ("validate", "before_save"), ("after_save", "on_submit"), DocStatus.SUBMITTED
)
CANCEL: Final = Operation("cancel", "cancel", DocCancelled, (), ("after_save", "on_cancel"), DocStatus.CANCELLED)
DELETE: Final = Operation("delete", "delete", DocDeleted, ("before_delete",), ("after_delete",))
PURGE: Final = Operation("delete", "purge", DocDeleted, ("before_delete",), ("after_delete",))


@dataclass(frozen=True, eq=False)
class Loaded:
    """A loaded document as stored values, with its model and served form made on request."""

    plan: CompiledDocType
    values: Mapping[str, Any]
    reading: Grant
    is_locked: bool = False

    @property
    def document(self) -> BaseModel:
        """The document as a new model instance."""
        return document_from_values(self.plan, self.values)

    @cached_property
    def served(self) -> Mapping[str, Any]:
        """The document as the caller is served it."""
        return visible(self.plan, self.reading.readable, self.values)


class DocumentWrite:
    """One write in an open unit of work, from the parsed document to the stored one. Its stages set what follows.

    `document` is what is written, `values` its stored values, `changes` what differs from `stored`. `kept`, `linked`
    and `named_by` are the values before hooks ran: framework fields, checked links and the parts of the name. `hooks`
    and `client` are there from the first hook or declared stage on.
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
        self.stored: Mapping[str, Any] = loaded.values if loaded else {}
        self.values: dict[str, Any] = {}
        self.changes: dict[str, Any] = {}
        self.kept: Mapping[str, Any] = {}
        self.linked: Mapping[str, Any] = {}
        self.named_by = ""
        self.is_unchanged = False
        self.hooks: HookRun | None = None
        self.client: DocumentClient | None = None

    def joined(self) -> tuple[RequestContext, DocumentClient]:
        """Return the context and the client by which hooks and declared stages join the unit of work."""
        if self.client is None:
            self.client = self.client_for(self.context.within(self.unit))
        return self.client.context, self.client
