"""`SchemaEditor`: makes changes of the schema. Each may be repeated after a part of it was made.

What a validator demands is in the documents before it demands it. The layout is kept first, so that processes which
are refused know the new columns when they read it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from pymongo import IndexModel
from pymongo.errors import CollectionInvalid, OperationFailure

from framework_m_core.spi import MigrationError
from framework_mx_mongo.documents.indexes import Index
from framework_mx_mongo.documents.layout import SCHEMA, Column, Layout
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.engine.error_translation import InvalidDocumentError, translate_errors
from framework_mx_mongo.schema import changes as made
from framework_mx_mongo.schema.batches import update_in_batches
from framework_mx_mongo.schema.changes import Change
from framework_mx_mongo.schema.existing import read_layout
from framework_mx_mongo.schema.layouts import apply_validator, put_column, remove_column
from framework_mx_mongo.schema.renaming import drop_key, rename_doctype, rename_field

__all__ = ["Convert", "SchemaEditor", "has_duplicates", "has_values"]

_INDEX_NOT_FOUND, _NAMESPACE_NOT_FOUND = 27, 26
_MISSING: Final = frozenset({_INDEX_NOT_FOUND, _NAMESPACE_NOT_FOUND})

type Convert = Callable[[str, str, str, str], Awaitable[None]]
"""Converts the values at a path of a collection from one kind to another."""


async def has_values(driver: MongoDriver, collection: str, path: str) -> bool:
    """Return whether a document has a value at a path."""
    with translate_errors():
        found = await driver.get_collection(collection).find_one({path: {"$ne": None, "$exists": True}}, {"_id": 1})
    return found is not None


async def has_duplicates(driver: MongoDriver, collection: str, index: Index) -> bool:
    """Return whether documents have equal values of what an index makes unique."""
    if "." in index.keys[0]:  # ids of child rows, which have always been unique
        return False
    key = {f"k{number}": f"${column}" for number, column in enumerate(index.keys)}
    stages: list[dict[str, Any]] = [
        {"$match": dict(index.where)},
        {"$group": {"_id": key, "number": {"$sum": 1}}},
        {"$match": {"number": {"$gt": 1}}},
        {"$limit": 1},
    ]
    with translate_errors():
        found = await driver.get_collection(collection).aggregate(stages, allowDiskUse=True)
        return bool(await found.to_list())


class SchemaEditor:
    """Makes changes in one database; with `convert`, also those that convert values.

    A `strict` one raises MigrationError where stored documents would have no value of a field that needs one.
    """

    def __init__(self, driver: MongoDriver, convert: Convert | None = None, *, strict: bool = False) -> None:
        self._driver = driver
        self._convert = convert
        self._strict = strict

    async def perform(self, change: Change) -> None:
        """Make a change. Raises MigrationError if stored documents forbid it."""
        name = change.collection
        match change:
            case made.CreateCollection(layout=layout):
                await self._create(name, layout)
            case made.DropCollection():
                await self._drop(name)
            case made.AddField():
                await self._add_field(change)
            case made.ChangeField():
                await self._change_field(change)
            case made.DropField(name=key):
                await self._drop_field(name, key)
            case made.ChangeRowField():
                await self._change_row_field(change)
            case made.AddIndex(index=index):
                await self._add_index(name, index)
            case made.DropIndex(index=index):
                await self._drop_index(name, index.name)
            case made.SetValidator():
                await self._set_validator(name)
            case made.RenameField(name=old, new=new):
                await rename_field(self._driver, name, old, new)
            case made.RenameDocType(new=new):
                await rename_doctype(self._driver, name, new)
            case made.UpdateDocuments(query=query, change=update):
                await self._update_documents(name, query, update)

    async def _update_documents(self, name: str, query: Mapping[str, Any], update: Any) -> None:
        """Make an update that a revision states. Raises MigrationError if the validator refuses what it would store."""
        try:
            await update_in_batches(self._driver, name, query, update, is_validated=True)
        except InvalidDocumentError as error:
            raise MigrationError(f"{name}: expected an update that the fields allow, got {update!r}") from error

    async def _create(self, name: str, layout: Layout | None) -> None:
        """Create a collection; one that exists, and its layout, get what they lack."""
        if layout is not None:
            with translate_errors():
                known = {"_id": {"$eq": name}}
                found = await self._schema.update_one(known, {"$setOnInsert": layout.record()}, upsert=True)
            for key, column in layout.columns.items() if found.matched_count else ():
                await put_column(self._driver, name, key, column)
        validator = layout.make_validator() if layout is not None else {}
        with translate_errors(), suppress(CollectionInvalid):  # a process or a run before made it
            await self._driver.database.create_collection(name, validator=validator)
            return
        if layout is not None:
            await self._set_validator(name)

    async def _drop(self, name: str) -> None:
        with translate_errors():
            await self._driver.database.drop_collection(name)
            await self._schema.delete_one({"_id": {"$eq": name}})

    async def _add_field(self, change: made.AddField) -> None:
        name, key, column = change.collection, change.name, change.column
        value = column.default if change.fill is None else change.fill
        lacking, fill = {key: {"$exists": False}}, {"$set": {key: value}}
        await self._check_value(name, column, value, lacking)
        await put_column(self._driver, name, key, column)
        await update_in_batches(self._driver, name, lacking, fill)
        await self._set_validator(name)
        await update_in_batches(self._driver, name, lacking, fill)  # what others stored in the meantime

    async def _change_field(self, change: made.ChangeField) -> None:
        name, key, column = change.collection, change.name, change.column
        value = column.default if change.fill is None else change.fill
        if change.before.kind != column.kind:
            await self._convert_values(name, key, change.before.kind, column.kind)
        fills = change.before.nullable and not column.nullable
        if fills:
            await self._check_value(name, column, value, {key: {"$eq": None}})
        await put_column(self._driver, name, key, column)
        lacking, fill = {key: {"$eq": None}}, {"$set": {key: value}}
        if fills and value is not None:
            await update_in_batches(self._driver, name, lacking, fill)
        await self._set_validator(name)
        if fills and value is not None:
            await update_in_batches(self._driver, name, lacking, fill)  # what others stored in the meantime

    async def _drop_field(self, name: str, key: str) -> None:
        await remove_column(self._driver, name, key)
        await self._set_validator(name)
        await update_in_batches(self._driver, name, {key: {"$exists": True}}, {"$unset": {key: ""}})

    async def _change_row_field(self, change: made.ChangeRowField) -> None:
        name, path = change.collection, change.path
        if change.before and change.kind and change.before != change.kind:
            await self._convert_values(name, path, change.before, change.kind)
        with translate_errors():
            await self._schema.update_one({"_id": {"$eq": name}}, {"$pull": {"rows": {"path": path}}})
            if change.kind:
                row = {"path": path, "kind": change.kind}
                await self._schema.update_one({"_id": {"$eq": name}}, {"$push": {"rows": row}})
        if change.kind is None:
            await self._drop_row_field(name, path)

    async def _drop_row_field(self, name: str, path: str) -> None:
        table, _, field = path.partition(".")
        layout = await read_layout(self._driver, name)
        if any(other.startswith(f"{table}.") for other in layout.rows):
            rows = {"$map": {"input": f"${table}", "as": "row", "in": drop_key("row", field)}}
            await update_in_batches(self._driver, name, {path: {"$exists": True}}, [{"$set": {table: rows}}])
        else:
            await update_in_batches(self._driver, name, {table: {"$exists": True}}, {"$unset": {table: ""}})

    async def _add_index(self, name: str, index: Index) -> None:
        if self._strict and index.unique and await has_duplicates(self._driver, name, index):
            raise MigrationError(
                f"documents of {name} have equal values of {', '.join(index.keys)}, which cannot become unique: "
                "change the values first"
            )
        options = index.to_options()
        with translate_errors():
            model = IndexModel([*options.pop("key").items()], **options)
            await self._driver.get_collection(name).create_indexes([model])

    async def _drop_index(self, name: str, index: str) -> None:
        try:
            with translate_errors():
                await self._driver.get_collection(name).drop_index(index)
        except Exception as error:
            if not isinstance(error.__cause__, OperationFailure) or error.__cause__.code not in _MISSING:
                raise

    async def _set_validator(self, name: str) -> None:
        await apply_validator(self._driver, name, await read_layout(self._driver, name))

    async def _convert_values(self, name: str, path: str, before: str, after: str) -> None:
        if not await has_values(self._driver, name, path):
            return
        if self._convert is None:
            raise MigrationError(f"{name}.{path}: expected {after}, got stored values of kind {before}")
        await self._convert(name, path, before, after)

    async def _check_value(self, name: str, column: Column, value: Any, lacking: Mapping[str, Any]) -> None:
        if not self._strict or column.nullable or value is not None:
            return
        with translate_errors():
            found = await self._driver.get_collection(name).find_one(dict(lacking), {"_id": 1})
        if found is not None:
            raise MigrationError(
                f"documents of {name} have no value of {', '.join(lacking)}, which is required and has no default: "
                "give them one by fill=…, or by an earlier patch"
            )

    @property
    def _schema(self) -> Any:
        return self._driver.get_collection(SCHEMA)
