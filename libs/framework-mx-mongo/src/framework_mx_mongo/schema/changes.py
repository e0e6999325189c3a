"""The changes of collections: development's sync makes them, and revisions are written from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from framework_mx_mongo.documents.indexes import Index
from framework_mx_mongo.documents.layout import Column, Layout

__all__ = [
    "AddField",
    "AddIndex",
    "Change",
    "ChangeField",
    "ChangeRowField",
    "CreateCollection",
    "DropCollection",
    "DropField",
    "DropIndex",
    "KeepCollection",
    "KeepField",
    "RenameDocType",
    "RenameField",
    "SetValidator",
    "UpdateDocuments",
    "is_change",
    "reverse_changes",
]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a collection, or the statement that something is kept."""

    collection: str

    def reverse(self) -> Change:
        """Return the change that reverts it."""
        return self


@dataclass(frozen=True, slots=True)
class CreateCollection(Change):
    """A new collection; one of the framework's own has no layout."""

    layout: Layout | None = None

    def reverse(self) -> Change:
        return DropCollection(self.collection, self.layout)


@dataclass(frozen=True, slots=True)
class DropCollection(Change):
    """A collection that goes with its documents."""

    layout: Layout | None = None

    def reverse(self) -> Change:
        return CreateCollection(self.collection, self.layout)


@dataclass(frozen=True, slots=True)
class KeepCollection(Change):
    """A collection that no DocType declares anymore."""

    layout: Layout


@dataclass(frozen=True, slots=True)
class AddField(Change):
    """A new field; the stored documents get `fill`, or its default."""

    name: str
    column: Column
    fill: Any = None

    def reverse(self) -> Change:
        return DropField(self.collection, self.name, self.column)


@dataclass(frozen=True, slots=True)
class DropField(Change):
    """A field that goes with its values."""

    name: str
    column: Column

    def reverse(self) -> Change:
        return AddField(self.collection, self.name, replace(self.column, nullable=True))


@dataclass(frozen=True, slots=True)
class KeepField(Change):
    """A field that its DocType no longer declares."""

    name: str
    column: Column


@dataclass(frozen=True, slots=True)
class ChangeField(Change):
    """A field with another kind, default or nullability; documents without a value get `fill`, or its default."""

    name: str
    before: Column
    column: Column
    fill: Any = None

    def reverse(self) -> Change:
        return ChangeField(self.collection, self.name, self.column, self.before)


@dataclass(frozen=True, slots=True)
class ChangeRowField(Change):
    """A field of child rows, by its path (`items.rate`), that is new, has another kind, or goes with its values."""

    path: str
    before: str | None
    kind: str | None

    def reverse(self) -> Change:
        return ChangeRowField(self.collection, self.path, self.kind, self.before)


@dataclass(frozen=True, slots=True)
class AddIndex(Change):
    """A new index."""

    index: Index

    def reverse(self) -> Change:
        return DropIndex(self.collection, self.index)


@dataclass(frozen=True, slots=True)
class DropIndex(Change):
    """An index that goes."""

    index: Index

    def reverse(self) -> Change:
        return AddIndex(self.collection, self.index)


@dataclass(frozen=True, slots=True)
class SetValidator(Change):
    """A validator that is not that of the collection's fields."""


@dataclass(frozen=True, slots=True)
class RenameField(Change):
    """A field, child table or field of child rows (`items.rate`) that gets another name and keeps its values."""

    name: str
    new: str


@dataclass(frozen=True, slots=True)
class RenameDocType(Change):
    """A collection that gets another name, and with it the DocType in events and counters."""

    new: str


@dataclass(frozen=True, slots=True)
class UpdateDocuments(Change):
    """A change of the documents that match a query, by MongoDB's own operators; repeating it does no harm."""

    query: Mapping[str, Any]
    change: Any


def is_change(change: Change) -> bool:
    """Return whether it changes anything."""
    return not isinstance(change, (KeepCollection, KeepField))


def reverse_changes(changes: Sequence[Change]) -> list[Change]:
    """Return the changes that revert these, the last first."""
    return [change.reverse() for change in reversed(changes) if is_change(change)]
