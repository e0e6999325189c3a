"""Conversion of stored values to another kind: in batches, each a transaction that keeps how far it has come.

All values are tried first, so that one which cannot be converted changes nothing. A conversion that was stopped goes
on where it was. One that has ended is skipped until its revision is recorded, as repeating it would convert new values.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from pymongo import UpdateOne

from framework_m_core.spi import FieldKind, FieldSpec, MigrationError, find_exact_conversion, hash_key
from framework_mx_mongo.documents.layout import Layout, build_schema
from framework_mx_mongo.documents.values import make_decoder, make_encoder
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.engine.transaction import Transaction
from framework_mx_mongo.schema.batches import BATCH
from framework_mx_mongo.schema.existing import read_layout
from framework_mx_mongo.schema.recorder import RECORDS

__all__ = ["ValueConverter", "forget_progress"]

_KIND: Final = re.compile(r"(?P<kind>[a-z]+)(?:\((?P<scale>\d+)\))?(?: of (?P<items>[a-z]+))?")
_INT64: Final = 1 << 63
_SHOWN: Final = 3

type _Convert = Callable[[Any], Any]


class ValueConverter:
    """Converts the values at a path of a collection."""

    def __init__(self, driver: MongoDriver, check: Callable[[Transaction], Awaitable[None]]) -> None:
        self._driver = driver
        self._check = check

    async def convert(self, collection: str, path: str, before: str, after: str) -> None:
        """Convert all values. Raises MigrationError if one has no exact counterpart; then none is changed."""
        change = _conversion(f"{collection}.{path}", before, after)
        mark = f"progress:{collection}.{path}:{before}:{after}"
        with translate_errors():
            found = await self._driver.get_collection(RECORDS).find_one({"_id": {"$eq": mark}})
        if found is not None and found.get("is_done"):
            return
        if found is None:
            await self._try(collection, path, change)
            await self._allow_both(collection, path, after)
        last = found["after"] if found else None
        while (last := await self._convert_batch(collection, path, change, mark, last)) is not None:
            pass
        with translate_errors():
            ended = {"$set": {"kind": "progress", "is_done": True}}
            await self._driver.get_collection(RECORDS).update_one({"_id": {"$eq": mark}}, ended, upsert=True)

    async def _convert_batch(self, collection: str, path: str, change: _Convert, mark: str, last: Any) -> Any:
        """Convert the next batch, and return its last id, or None at the end."""

        async def work(transaction: Transaction) -> Any:
            await self._check(transaction)
            return await _convert_in(transaction, collection, path, change, mark, last)

        return await self._driver.within(work)

    async def _try(self, collection: str, path: str, change: _Convert) -> None:
        wrong: list[str] = []
        with translate_errors():
            async for one in self._driver.get_collection(collection).find(_present(path), {path: 1}):
                wrong += [repr(value) for value in _values(one, path) if not _converts(change, value)]
                if len(wrong) >= _SHOWN:
                    break
        if wrong:
            raise MigrationError(
                f"{collection}.{path} holds values that cannot be converted exactly, such as "
                f"{', '.join(wrong[:_SHOWN])}: change them by a patch first"
            )

    async def _allow_both(self, collection: str, path: str, after: str) -> None:
        layout = await read_layout(self._driver, collection)
        if path not in layout.columns:
            return  # validators do not see rows
        validator = Layout(layout.columns, layout.rows).make_validator()
        types = validator["$jsonSchema"]["properties"][path]["bsonType"]
        more = build_schema(_spec(after).kind)["bsonType"]
        validator["$jsonSchema"]["properties"][path] = {"bsonType": list(dict.fromkeys([*types, *more]))}
        with translate_errors():
            await self._driver.database.command({"collMod": collection, "validator": validator})


async def forget_progress(transaction: Transaction) -> None:
    """Delete what is known of conversions, whose revision is recorded or forgotten in the same transaction."""
    await transaction.run(
        RECORDS, lambda records, session: records.delete_many({"kind": {"$eq": "progress"}}, session=session)
    )


async def _convert_in(
    transaction: Transaction, collection: str, path: str, change: _Convert, mark: str, last: Any
) -> Any:
    beyond = {} if last is None else {"_id": {"$gt": last}}
    found: list[dict[str, Any]] = await transaction.run(
        collection,
        lambda documents, session: (
            documents.find({**_present(path), **beyond}, {path: 1}, session=session)
            .sort({"_id": 1})
            .limit(BATCH)
            .to_list()
        ),
    )
    if not found:
        return None
    changes = [UpdateOne({"_id": one["_id"]}, {"$set": _converted(one, path, change)}) for one in found]
    await transaction.run(collection, lambda documents, session: documents.bulk_write(changes, session=session))
    progress = {"kind": "progress", "after": found[-1]["_id"]}
    await transaction.run(
        RECORDS, lambda records, session: records.replace_one({"_id": mark}, progress, upsert=True, session=session)
    )
    return progress["after"]


def _present(path: str) -> dict[str, Any]:
    return {path: {"$ne": None, "$exists": True}}


def _values(document: Mapping[str, Any], path: str) -> list[Any]:
    head, _, rest = path.partition(".")
    found = [row.get(rest) for row in document.get(head) or ()] if rest else [document.get(head)]
    return [value for value in found if value is not None]


def _converted(document: Mapping[str, Any], path: str, change: _Convert) -> dict[str, Any]:
    head, _, rest = path.partition(".")
    if not rest:
        return {head: change(document[head])}
    return {
        f"{head}.{place}.{rest}": change(row[rest])
        for place, row in enumerate(document[head])
        if row.get(rest) is not None
    }


def _converts(change: _Convert, value: Any) -> bool:
    try:
        change(value)
    except (ValueError, ArithmeticError, TypeError):
        return False
    return True


def _conversion(place: str, before: str, after: str) -> _Convert:
    old, new = _spec(before), _spec(after)
    exact = find_exact_conversion(old.kind, new.kind, new.scale) if not (old.items or new.items) else None
    if exact is None or FieldKind.CUSTOM in (old.kind, new.kind):
        raise MigrationError(
            f"{place}: values of kind {before} have no conversion to {after}: add a field, fill it by a patch, and "
            "drop this one"
        )
    decode, encode = make_decoder(old), make_encoder(new)

    def convert(stored: Any) -> Any:
        value = exact(decode(stored) if decode else stored)
        if isinstance(value, int) and not -_INT64 <= value < _INT64:
            raise ValueError(value)
        return encode(value) if encode else value

    return convert


def _spec(kind: str) -> FieldSpec:
    """Return a field of a kind as layouts name it; one of a field type of a package is custom."""
    found = _KIND.fullmatch(kind)
    known = {hash_key(one.value) for one in FieldKind}
    if found is None or hash_key(found["kind"]) not in known:
        return FieldSpec("", FieldKind.CUSTOM)
    items = FieldKind(found["items"]) if found["items"] else None
    return FieldSpec("", FieldKind(found["kind"]), scale=int(found["scale"]) if found["scale"] else None, items=items)
