"""Renames of fields and DocTypes: values stay, and indexes follow. Each may be repeated after a part of it was done."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from pymongo import IndexModel

from framework_m_core.spi import MigrationError
from framework_mx_mongo.documents.indexes import Index
from framework_mx_mongo.documents.layout import SCHEMA, Layout
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.engine.operations import find
from framework_mx_mongo.engine.transaction import Transaction
from framework_mx_mongo.schema.batches import update_in_batches
from framework_mx_mongo.schema.existing import read_indexes, read_layout
from framework_mx_mongo.schema.layouts import apply_validator, put_column, remove_column

__all__ = ["drop_key", "rename_doctype", "rename_field", "rename_index", "rename_path"]

_MOVING: Final = "moving_indexes"
"""The key of a layout's record that keeps the indexes of a field which is being renamed."""

_RENAMING: Final = "renaming"
"""The key of a layout's record that keeps the old and the new name of a field while it is being renamed."""


async def rename_field(driver: MongoDriver, collection: str, old: str, new: str) -> None:
    """Rename a field, a child table, or a field of child rows by its path.

    Raises MigrationError if there is none, or if there is another one of the new name.
    """
    layout = await read_layout(driver, collection)
    await _refuse_replacing(driver, collection, old, new, layout)
    indexes = await _take_indexes(driver, collection, old, new)
    if old in layout.columns:
        await _rename_column(driver, collection, old, new, layout)
    elif _is_among(old, (*layout.rows,)):
        await _rename_rows(driver, collection, old, new, layout)
    elif not _is_among(new, (*layout.columns, *layout.rows)):
        raise MigrationError(f"expected a field {old} of {collection}, got none")
    await _put_indexes(driver, collection, indexes)


async def rename_doctype(driver: MongoDriver, old: str, new: str) -> None:
    """Rename a DocType's collection, and the DocType in events and counters.

    A collection of the new name is replaced if it is empty. Raises MigrationError if nothing can be renamed.
    """
    with translate_errors():
        names = set(await driver.database.list_collection_names())
        if old not in names and new not in names:
            raise MigrationError(f"expected a collection {old}, got none")
        if old in names and new in names and await driver.get_collection(new).find_one({}, {"_id": 1}) is not None:
            raise MigrationError(f"expected no documents in {new}, because it is replaced: move or delete them")
        if old in names:
            layout = await read_layout(driver, old)
            layouts = driver.get_collection(SCHEMA)
            await layouts.replace_one({"_id": {"$eq": new}}, layout.record(), upsert=True)
            await driver.get_collection(old).rename(new, dropTarget=True)
            await apply_validator(driver, new, layout)
            await layouts.delete_one({"_id": {"$eq": old}})
    await update_in_batches(driver, "m_outbox", {"doctype": {"$eq": old}}, {"$set": {"doctype": new}})
    await driver.within(lambda transaction: _rename_counters(transaction, old, new))


def drop_key(row: str, field: str) -> dict[str, Any]:
    """Return the expression of a row (a variable) without one of its fields."""
    kept = {"$filter": {"input": {"$objectToArray": f"$${row}"}, "as": "pair", "cond": {"$ne": ["$$pair.k", field]}}}
    return {"$arrayToObject": kept}


async def _rename_column(driver: MongoDriver, collection: str, old: str, new: str, layout: Layout) -> None:
    column = layout.columns[old]
    others = {key: one for key, one in layout.columns.items() if key not in {old, new}}
    await apply_validator(driver, collection, Layout(others, layout.rows))
    present, change = {old: {"$exists": True}}, [{"$set": {new: f"${old}"}}, {"$unset": old}]
    await update_in_batches(driver, collection, present, change)
    await put_column(driver, collection, new, column)
    await apply_validator(driver, collection, Layout({**others, new: column}, layout.rows))
    await update_in_batches(driver, collection, present, change)  # what others stored in the meantime
    await remove_column(driver, collection, old)


async def _rename_rows(driver: MongoDriver, collection: str, old: str, new: str, layout: Layout) -> None:
    table, _, field = old.partition(".")
    if field:
        row = {"$mergeObjects": [drop_key("row", field), {new.partition(".")[2]: f"$$row.{field}"}]}
        change: Any = [{"$set": {table: {"$map": {"input": f"${table}", "as": "row", "in": row}}}}]
    else:
        change = [{"$set": {new: f"${old}"}}, {"$unset": old}]
    await update_in_batches(driver, collection, {old: {"$exists": True}}, change)
    rows = {rename_path(path, old, new): kind for path, kind in layout.rows.items()}
    with translate_errors():
        await driver.get_collection(SCHEMA).update_one(
            {"_id": {"$eq": collection}}, {"$set": {"rows": Layout({}, rows).record()["rows"]}}
        )


async def _refuse_replacing(driver: MongoDriver, collection: str, old: str, new: str, layout: Layout) -> None:
    """Raise MigrationError if a rename that has not begun would replace the values of another field."""
    paths = (*layout.columns, *layout.rows)
    if not (_is_among(old, paths) and _is_among(new, paths)):
        return
    with translate_errors():
        record = await driver.get_collection(SCHEMA).find_one({"_id": {"$eq": collection}}, {_RENAMING: 1})
    if (record or {}).get(_RENAMING) != [old, new]:
        raise MigrationError(f"expected no field {new} of {collection}, because it would be replaced: drop it first")


def _is_among(path: str, paths: Sequence[str]) -> bool:
    return any(one == path or one.startswith(f"{path}.") for one in paths)


async def _take_indexes(driver: MongoDriver, collection: str, old: str, new: str) -> list[Index]:
    """Drop the indexes over a field, and return those of the new name, which are kept until `_put_indexes`."""
    record = {"_id": {"$eq": collection}}
    found = await read_indexes(driver, collection)
    affected = {name: one for name, one in found.items() if any(rename_path(key, old, new) != key for key in one.keys)}
    with translate_errors():
        kept = await driver.get_collection(SCHEMA).find_one(record, {_MOVING: 1})
        moving = [_read_index(text) for text in (kept or {}).get(_MOVING, ())]
        moving += [rename_index(one, old, new) for one in affected.values()]
        begun = {_MOVING: [_write_index(one) for one in moving], _RENAMING: [old, new]}
        await driver.get_collection(SCHEMA).update_one(record, {"$set": begun})
        for name in affected:
            await driver.get_collection(collection).drop_index(name)
    return moving


async def _put_indexes(driver: MongoDriver, collection: str, indexes: Sequence[Index]) -> None:
    with translate_errors():
        for index in indexes:
            options = index.to_options()
            model = IndexModel([*options.pop("key").items()], **options)
            await driver.get_collection(collection).create_indexes([model])
        await driver.get_collection(SCHEMA).update_one(
            {"_id": {"$eq": collection}}, {"$unset": {_MOVING: "", _RENAMING: ""}}
        )


def rename_index(index: Index, old: str, new: str) -> Index:
    """Return an index over the field of the new name."""
    where = {rename_path(key, old, new): value for key, value in index.where.items()}
    return Index(tuple(rename_path(key, old, new) for key in index.keys), index.unique, where)


def _write_index(index: Index) -> str:
    """Return an index as text, since its query has operators for keys."""
    return json.dumps([index.keys, index.unique, dict(index.where)])


def _read_index(text: str) -> Index:
    keys, unique, where = json.loads(text)
    return Index(tuple(keys), unique, where)


def rename_path(path: str, old: str, new: str) -> str:
    """Return a path with a new name in place of an old one at its beginning; any other as it is."""
    return new + path.removeprefix(old) if path == old or path.startswith(f"{old}.") else path


async def _rename_counters(transaction: Transaction, old: str, new: str) -> None:
    """Give the counters of a DocType, whose ids begin with it and a colon, the new name."""
    query = {"_id": {"$regex": f"^{re.escape(old)}:"}}
    found = await transaction.run("m_counter", find(query))
    for one in found:
        renamed = {**one, "_id": new + one["_id"].removeprefix(old)}
        await transaction.run(
            "m_counter",
            lambda counters, session, renamed=renamed: counters.replace_one(  # type: ignore[misc]
                {"_id": renamed["_id"]}, renamed, upsert=True, session=session
            ),
        )
    await transaction.run("m_counter", lambda counters, session: counters.delete_many(query, session=session))
