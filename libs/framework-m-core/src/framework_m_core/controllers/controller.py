"""`Controller`: the rules of one DocType, as hooks around its writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.controllers.declaration import Registrar, declare
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import BaseDocTypeProtocol
from framework_m_core.domain.page import DEFAULT_LIMIT, MAX_LIMIT, PaginatedResult

__all__ = ["HOOKS", "Controller", "Documents"]

HOOKS = (
    "validate",
    "before_insert",
    "before_save",
    "after_save",
    "after_insert",
    "before_submit",
    "on_submit",
    "before_cancel",
    "on_cancel",
    "before_delete",
    "after_delete",
    "before_restore",
    "after_restore",
)


class Documents(Protocol):
    """The document client for one context, as hooks and event handlers get it.

    Inside a hook, every call joins the write's unit of work in a savepoint: it rolls back with the write, or alone if
    the hook catches the call's error. Calls run one at a time. Documents are passed as mappings of domain values.
    """

    async def create(self, doctype: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Create a document and return what the caller may read of it."""
        ...

    async def get(
        self, doctype: str, ref: UUID | str, *, titles: bool = False, for_update: bool = False
    ) -> Mapping[str, Any]:
        """Return a document by id or name, with `titles` with those of its links as `_titles`.

        In a hook, `for_update` locks it against changes until the write ends.
        """
        ...

    async def list(
        self,
        doctype: str,
        filters: Any = None,
        *,
        order_by: Sequence[str] = (),
        fields: Sequence[str] | None = None,
        limit: int = DEFAULT_LIMIT,
        offset: int = 0,
        titles: bool = False,
        default_filters: bool = False,
        **where: Any,
    ) -> PaginatedResult[dict[str, Any]]:
        """Return a page of documents, with order, fields and titles as in the HTTP API.

        Filters are in the form of the HTTP API, a mapping such as `{"state": "New", "days__gt": 3}`, or keyword
        arguments: `await self.documents.list("Loan", book=book, returned=False)`. The DocType's default
        filters act with `default_filters` alone.
        """
        ...

    def iterate(
        self,
        doctype: str,
        filters: Any = None,
        *,
        order_by: Sequence[str] = (),
        fields: Sequence[str] | None = None,
        batch: int = MAX_LIMIT,
        **where: Any,
    ) -> AsyncIterator[dict[str, Any]]:
        """Yield all matching documents, of which one batch is held at a time; filters are those of `list`."""
        ...

    async def count(self, doctype: str, filters: Any = None, **where: Any) -> int:
        """Return the number of matching documents that the caller may read; filters are those of `list`."""
        ...

    async def exists(self, doctype: str, filters: Any = None, **where: Any) -> bool:
        """Return whether there is a matching document that the caller may read; filters are those of `list`."""
        ...

    async def get_value(self, doctype: str, ref: UUID | str, field: str) -> Any:
        """Return the value of one field of a document. Raises QueryError for one that the caller may not read."""
        ...

    async def duplicate(
        self, doctype: str, ref: UUID | str, values: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Create a copy of a document, with values in place of its own; what is `no_copy` or unique is left out."""
        ...

    async def update(self, doctype: str, ref: UUID | str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Merge values into a document."""
        ...

    async def delete(self, doctype: str, ref: UUID | str) -> None:
        """Soft-delete a document."""
        ...

    async def restore(self, doctype: str, ref: UUID | str) -> Mapping[str, Any]:
        """Restore a soft-deleted document; a name means the one that was deleted last."""
        ...

    async def rename(self, doctype: str, ref: UUID | str, name: str) -> Mapping[str, Any]:
        """Give a document another name; links hold ids, so they stay."""
        ...

    async def submit(self, doctype: str, ref: UUID | str) -> Mapping[str, Any]:
        """Submit a draft, making it final."""
        ...

    async def cancel(self, doctype: str, ref: UUID | str) -> Mapping[str, Any]:
        """Cancel a submitted document."""
        ...

    async def amend(self, doctype: str, ref: UUID | str, values: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Create a draft in place of a cancelled document, with values in place of its own."""
        ...

    async def publish(self, payload: BaseModel, *, key: str | None = None) -> UUID:
        """Publish an event of a declared type, stored with the write or not at all, and return its id.

        For example `await self.documents.publish(OrderShipped(order=self.doc.id))`. `key` takes the place of the one
        that the payload gives. Raises ConfigurationError for a payload that no `@event_type` declares.
        """
        ...

    def elevated(self, reason: str) -> Documents:
        """Return a client in the same unit of work with the system's permissions; the audit log records the reason."""
        ...


@dataclass(frozen=True, slots=True)
class _ControllerMark:
    """The declaration of a controller class."""

    def register(self, registrar: Registrar, declared: type[Any], app: str) -> None:
        """Register the class as the controller of its DocType."""
        registrar.add_controller(declared)


class Controller[T: BaseDocTypeProtocol]:
    """Rules of a DocType: `class InvoiceController(Controller[Invoice])`.

    A hook changes `self.doc` in place, but for `after_*` and deletes, where assigning raises; raising rolls back the
    whole write. On an update, `self.previous` holds the document before the change. All hooks run inside the unit of
    work; a store conflict may run them again on a fresh copy, so side effects outside the process belong in an event
    handler.

    >>> from framework_m import DocType, ValidationError
    >>> class Invoice(DocType):
    ...     total: int = 0
    >>> class InvoiceController(Controller[Invoice]):
    ...     async def validate(self) -> None:
    ...         if self.doc.total < 0:
    ...             raise ValidationError("expected a total of at least 0")
    >>> InvoiceController.doctype is Invoice
    True
    """

    doctype: ClassVar[type]

    def __init__(self, doc: T, previous: T | None, context: RequestContext, documents: Documents) -> None:
        self.doc = doc
        self.previous = previous
        self.context = context
        self.documents = documents

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for base in cls.__dict__.get("__orig_bases__", ()):
            origin = get_origin(base)
            if isinstance(origin, type) and issubclass(origin, Controller) and isinstance(get_args(base)[0], type):
                cls.doctype = get_args(base)[0]
        declare(cls, _ControllerMark())

    async def validate(self) -> None:
        """Check and complete the document; called before every insert, update, submit and restore."""

    async def before_insert(self) -> None:
        """Override to act after `validate` of a new document."""

    async def before_save(self) -> None:
        """Override to act last, before the document is validated as a whole and stored."""

    async def after_save(self) -> None:
        """Override to act after the document is stored, before the commit."""

    async def after_insert(self) -> None:
        """Override to act after `after_save` of a new document."""

    async def before_submit(self) -> None:
        """Override to check or complete a document that is about to be submitted, after `before_save`."""

    async def on_submit(self) -> None:
        """Override to act last on a document that is submitted, before it is stored."""

    async def before_cancel(self) -> None:
        """Override to check a document that is about to be cancelled."""

    async def on_cancel(self) -> None:
        """Override to act on a document that is cancelled, before it is stored."""

    async def before_delete(self) -> None:
        """Override to act before a document is deleted."""

    async def after_delete(self) -> None:
        """Override to act after a document is deleted, before the commit."""

    async def before_restore(self) -> None:
        """Override to act on a deleted document that is restored, after `validate`, before it is stored."""

    async def after_restore(self) -> None:
        """Override to act after a document is restored, before the commit."""

    @classmethod
    def list_hooks(cls) -> frozenset[str]:
        """Return the hooks that this class overrides."""
        return frozenset(hook for hook in HOOKS if getattr(cls, hook) is not getattr(Controller, hook))
