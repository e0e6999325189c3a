"""`Controller`: the rules of one DocType, as hooks around its writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, get_args, get_origin
from uuid import UUID

from framework_m_core.controllers.declaration import Registrar, declare
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import BaseDocTypeProtocol
from framework_m_core.domain.page import DEFAULT_LIMIT, PaginatedResult

__all__ = ["HOOKS", "Controller", "Documents"]

HOOKS = (
    "validate",
    "before_insert",
    "before_save",
    "after_save",
    "after_insert",
    "on_submit",
    "on_cancel",
    "before_delete",
    "after_delete",
)


class Documents(Protocol):
    """The door to documents for one scope, as hooks and event handlers get it.

    Inside a hook every call joins the write's unit of work by a savepoint: it is undone with it, and alone when the
    hook catches the call's error. Calls run one after the other. Documents travel as mappings of domain values.
    """

    async def create(self, doctype: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Creates a document; the answer holds what the caller may read of it."""
        ...

    async def get(self, doctype: str, ref: UUID | str, *, for_update: bool = False) -> Mapping[str, Any]:
        """A document by id or name; in a hook, `for_update` keeps others from changing it until the write ends."""
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
    ) -> PaginatedResult[dict[str, Any]]:
        """A page of documents, with filters, order and fields as the HTTP API takes them.

        For example `await self.documents.list("Loan", [{"field": "book", "operator": "eq", "value": book}])`.
        """
        ...

    async def update(self, doctype: str, ref: UUID | str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Merges values into a document."""
        ...

    async def delete(self, doctype: str, ref: UUID | str) -> None:
        """Deletes a document softly."""
        ...

    async def submit(self, doctype: str, ref: UUID | str) -> Mapping[str, Any]:
        """Makes a draft final."""
        ...

    async def cancel(self, doctype: str, ref: UUID | str) -> Mapping[str, Any]:
        """Revokes a submitted document."""
        ...

    def elevated(self, reason: str) -> Documents:
        """The same door, in the same unit of work, acting as the system for a reason that the audit keeps."""
        ...


@dataclass(frozen=True, slots=True)
class _Rules:
    """The declaration of a controller class."""

    def register(self, registrar: Registrar, declared: type[Any], app: str) -> None:
        """Register the class as the controller of its DocType."""
        registrar.add_controller(declared)


class Controller[T: BaseDocTypeProtocol]:
    """Rules of a DocType: `class InvoiceController(Controller[Invoice])`.

    A hook changes `self.doc` in place; raising undoes the whole write. On an update `self.previous` holds the
    document as it was. All hooks run inside the unit of work; a conflict of the store may run them again on a
    fresh copy, so what leaves the process belongs into an event handler.
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
        declare(cls, _Rules())

    async def validate(self) -> None:
        """Checks and completes the document; runs before every insert, update and submit."""

    async def before_insert(self) -> None:
        """Runs after `validate` of a new document."""

    async def before_save(self) -> None:
        """Runs last before the document is validated as a whole and stored."""

    async def after_save(self) -> None:
        """Runs after the document was stored, before the commit."""

    async def after_insert(self) -> None:
        """Runs after `after_save` of a new document."""

    async def on_submit(self) -> None:
        """Runs after a submit was stored, before the commit."""

    async def on_cancel(self) -> None:
        """Runs after a cancel was stored, before the commit."""

    async def before_delete(self) -> None:
        """Runs before a document is deleted."""

    async def after_delete(self) -> None:
        """Runs after a document was deleted, before the commit."""

    @classmethod
    def defined_hooks(cls) -> frozenset[str]:
        """The hooks that this class does something in."""
        return frozenset(hook for hook in HOOKS if getattr(cls, hook) is not getattr(Controller, hook))
