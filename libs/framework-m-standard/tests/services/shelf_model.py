"""A plain model of two DocTypes' life, shelves and bills, with the classes that the product is given for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from framework_m import DocCreated, DocDeleted, DocType, Documents, DocUpdated, DomainEvent, Field, on
from framework_m_core.domain.errors import (
    AmendedDocumentError,
    DocumentNotDeletedError,
    DuplicateNameError,
    DuplicateValueError,
    EntityNotFoundError,
    LinkedDocumentError,
    LinkTargetError,
    SubmittedDocumentError,
    VersionConflictError,
)
from framework_m_core.domain.events import DocCancelled, DocRestored, DocSubmitted
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry

DRAFT, SUBMITTED, CANCELLED = 0, 1, 2
_STEPS: Final = {"submit": (DRAFT, SUBMITTED), "cancel": (SUBMITTED, CANCELLED)}
_EVENTS: Final = {"submit": "submitted", "cancel": "cancelled", "update": "updated"}


class Shelf(DocType):
    """Named by who makes it, with a value that no other live shelf has."""

    label: str = Field(unique=True)

    class Meta:
        naming = "prompt"


class Line(DocType):
    """A row of a bill."""

    text: str = ""
    shelf: UUID | None = Field(default=None, link="Shelf")

    class Meta:
        is_child_table = True


class Bill(DocType):
    """Submitted and cancelled; a note may be changed after that."""

    title: str = ""
    note: str = Field(default="", allow_on_submit=True)
    shelf: UUID | None = Field(default=None, link="Shelf")
    lines: list[Line] = []

    class Meta:
        submittable = True


@on("Bill", DocCreated)
@on("Bill", DocUpdated)
@on("Bill", DocSubmitted)
@on("Bill", DocCancelled)
@on("Bill", DocDeleted)
@on("Bill", DocRestored)
@on("Shelf", DocCreated)
@on("Shelf", DocUpdated)
@on("Shelf", DocDeleted)
@on("Shelf", DocRestored)
async def keep_waiting(event: DomainEvent, documents: Documents) -> None:
    """Makes the app a consumer."""


def shelf_registry() -> Registry:
    """The DocTypes, compiled."""
    builder = RegistryBuilder()
    for doctype in (Shelf, Line, Bill):
        builder.add_doctype(doctype, "shelves")
    builder.add_handler(keep_waiting, "shelves")
    return builder.freeze()


@dataclass
class Kept:
    """A document as it should be, and what should have been told of it."""

    doctype: str
    id: UUID
    values: dict[str, Any]
    version: int = 1
    status: int = DRAFT
    is_deleted: bool = False
    is_gone: bool = False
    told: list[tuple[str, int]] = field(default_factory=lambda: [("doc.created", 1)])

    @property
    def is_live(self) -> bool:
        """Whether the document can be read."""
        return not self.is_deleted and not self.is_gone

    def shelves(self) -> set[UUID]:
        """The shelves that it links to."""
        rows = self.values.get("lines", ())
        return {one["shelf"] for one in (self.values, *rows) if one.get("shelf")}

    def links(self) -> set[UUID]:
        """What it links to: shelves, and the bill that it amends."""
        amended = self.values.get("amended_from")
        return self.shelves() | ({amended} if amended else set())

    def change(self, event: str) -> None:
        """Counts a change and notes its event."""
        self.version += 1
        self.told.append((f"doc.{event}", self.version))


class Model:
    """All documents, and the errors that are right for each thing that may be done to them."""

    def __init__(self) -> None:
        self.kept: dict[UUID, Kept] = {}

    def of(self, doctype: str) -> list[Kept]:
        """Documents of a DocType, deleted and purged ones too."""
        return [one for one in self.kept.values() if one.doctype == doctype]

    def errors_of_shelf(self, values: dict[str, Any], but: Kept | None = None) -> Iterator[type[Exception]]:
        """Why a shelf cannot have these values."""
        others = [one for one in self.of("Shelf") if one.is_live and one is not but]
        if "name" in values and any(one.values["name"] == values["name"] for one in others):
            yield DuplicateNameError
        if any(one.values["label"] == values.get("label") for one in others):
            yield DuplicateValueError

    def errors_of_links(self, now: set[UUID]) -> Iterator[type[Exception]]:
        """Why new links cannot be made."""
        if any(id not in self.kept or not self.kept[id].is_live for id in now):
            yield LinkTargetError

    def errors_of_update(self, bill: Kept, after: dict[str, Any], version: int | None) -> Iterator[type[Exception]]:
        """Why a document cannot be changed so; the first is what is answered."""
        yield from self.errors_of_version(bill, version)
        fixed = {name for name in after if after[name] != bill.values[name]} - {"note"}
        if bill.doctype == "Bill" and (bill.status == CANCELLED or (bill.status == SUBMITTED and fixed)):
            yield SubmittedDocumentError

    def errors_of_version(self, document: Kept, version: int | None) -> Iterator[type[Exception]]:
        """Why a document cannot be changed at a version."""
        if not document.is_live:
            yield EntityNotFoundError
        if version not in (None, document.version):
            yield VersionConflictError

    def errors_of_step(self, bill: Kept, step: str, version: int | None) -> Iterator[type[Exception]]:
        """Why a bill cannot be submitted or cancelled."""
        yield from self.errors_of_version(bill, version)
        if bill.status != _STEPS[step][0]:
            yield SubmittedDocumentError

    def errors_of_amending(self, bill: Kept, version: int | None) -> Iterator[type[Exception]]:
        """Why a bill cannot be amended."""
        yield from self.errors_of_version(bill, version)
        if bill.status != CANCELLED:
            yield SubmittedDocumentError
        if self._amendments(bill.id):
            yield AmendedDocumentError
        yield from self.errors_of_links(bill.shelves())

    def _amendments(self, id: UUID | None) -> list[Kept]:
        """The live bills that amend one."""
        return [one for one in self.of("Bill") if id and one.is_live and one.values["amended_from"] == id]

    def step(self, bill: Kept, step: str) -> None:
        """Submits or cancels a bill."""
        bill.status = _STEPS[step][1]
        bill.change(_EVENTS[step])

    def errors_of_removal(self, document: Kept, *, hard: bool) -> Iterator[type[Exception]]:
        """Why a document cannot be deleted."""
        if document.is_gone or (document.is_deleted and not hard):
            yield EntityNotFoundError
        if document.status == SUBMITTED:
            yield SubmittedDocumentError
        holders = [one for one in self.of("Bill") if document.id in one.links() and not one.is_gone]
        if any(hard or (one.is_live and one.status != CANCELLED) for one in holders):
            yield LinkedDocumentError

    def errors_of_restoring(self, document: Kept) -> Iterator[type[Exception]]:
        """Why a document cannot be restored."""
        if document.is_gone:
            yield EntityNotFoundError
        if document.is_live:
            yield DocumentNotDeletedError
        yield from self.errors_of_links(document.links())
        if document.doctype == "Shelf":
            yield from self.errors_of_shelf(document.values, document)
        elif self._amendments(document.values["amended_from"]):
            yield DuplicateValueError

    def restore(self, document: Kept) -> None:
        """Restores a document."""
        document.is_deleted = False
        document.change("restored")

    def remove(self, document: Kept, *, hard: bool) -> None:
        """Deletes a document."""
        document.is_gone, document.is_deleted = hard, not hard
        document.change("deleted")
