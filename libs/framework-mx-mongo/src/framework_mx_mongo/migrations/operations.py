"""`Database`: what the functions of a revision get, with an operation for each change of collections.

Each operation may be repeated after a part of it was done, so a revision that was stopped is run again from its start.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from framework_mx_mongo.documents.indexes import Index
from framework_mx_mongo.documents.layout import Column, Layout
from framework_mx_mongo.schema import changes as made
from framework_mx_mongo.schema.changes import Change

__all__ = ["Database", "Perform"]

type Perform = Callable[[Change], Awaitable[None]]


class Database:
    """The database that a revision changes."""

    def __init__(self, perform: Perform) -> None:
        self._perform = perform

    async def create_collection(
        self, name: str, fields: Mapping[str, Column], rows: Mapping[str, str] | None = None
    ) -> None:
        """Create the collection of a DocType; `rows` are the kinds of the fields of child rows, by path."""
        await self._perform(made.CreateCollection(name, Layout(fields, rows or {})))

    async def drop_collection(self, name: str) -> None:
        """Drop a collection with its documents."""
        await self._perform(made.DropCollection(name))

    async def add_field(self, collection: str, name: str, column: Column, *, fill: Any = None) -> None:
        """Add a field. Stored documents get `fill`, or the column's default.

        Raises MigrationError if the column needs a value and documents would have none.
        """
        await self._perform(made.AddField(collection, name, column, fill))

    async def alter_field(self, collection: str, name: str, before: Column, after: Column, *, fill: Any = None) -> None:
        """Change a field's kind, default or nullability; values are converted exactly, in batches.

        Raises MigrationError if a value cannot be converted, or if documents would have none of what they need.
        """
        await self._perform(made.ChangeField(collection, name, before, after, fill))

    async def drop_field(self, collection: str, name: str) -> None:
        """Drop a field with its values."""
        await self._perform(made.DropField(collection, name, Column("", "", nullable=True)))

    async def rename_field(self, collection: str, old: str, new: str) -> None:
        """Rename a field, a child table (`items`) or a field of child rows (`items.rate`), with values and indexes."""
        await self._perform(made.RenameField(collection, old, new))

    async def set_row_field(self, collection: str, path: str, before: str | None, after: str | None) -> None:
        """Add a field of child rows, convert its values to another kind, or drop it (`after` is None)."""
        await self._perform(made.ChangeRowField(collection, path, before, after))

    async def add_index(self, collection: str, index: Index) -> None:
        """Create an index. Raises MigrationError if documents have equal values of what becomes unique."""
        await self._perform(made.AddIndex(collection, index))

    async def drop_index(self, collection: str, index: Index) -> None:
        """Drop an index."""
        await self._perform(made.DropIndex(collection, index))

    async def set_validator(self, collection: str) -> None:
        """Give a collection the validator of its fields."""
        await self._perform(made.SetValidator(collection))

    async def rename_doctype(self, old: str, new: str) -> None:
        """Rename a DocType with its documents, events and counters.

        A collection of the new name must be empty, as those are that a start in development has created.
        """
        await self._perform(made.RenameDocType(old, new))

    async def update(self, collection: str, query: Mapping[str, Any], change: Any) -> None:
        """Update the documents that match a query by MongoDB's operators, in batches.

        A run that was stopped repeats it, so it must do no harm twice: `$set` is safe, `$inc` is not.
        """
        await self._perform(made.UpdateDocuments(collection, query, change))
