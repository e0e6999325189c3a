"""The schema of a database as it is: the layouts that it keeps, and its collections."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from framework_m_core.spi import HashKey, hash_key
from framework_mx_mongo.documents.indexes import PREFIXES, Index
from framework_mx_mongo.documents.layout import SCHEMA, Layout
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.engine.error_translation import translate_errors

__all__ = ["ExistingCollection", "ExistingSchema", "read_existing", "read_indexes", "read_layout"]


@dataclass(frozen=True, slots=True)
class ExistingCollection:
    """A collection: its validator, and the indexes that the framework has made, by name."""

    validator: Mapping[str, Any] = field(default_factory=dict)
    indexes: Mapping[str, Index] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExistingSchema:
    """The collections by name, and the layouts that are kept of DocTypes."""

    collections: Mapping[str, ExistingCollection] = field(default_factory=dict)
    layouts: Mapping[str, Layout] = field(default_factory=dict)

    def get_layout(self, name: str) -> Layout:
        """Return the layout of a DocType, an empty one if there is none."""
        return self.layouts.get(name, Layout())


async def read_existing(driver: MongoDriver, names: Collection[str]) -> ExistingSchema:
    """Return the schema of a database; the indexes are read of the collections with these names or a layout."""
    with translate_errors():
        found = await (await driver.database.list_collections()).to_list()
        records = await driver.get_collection(SCHEMA).find({"columns": {"$exists": True}}).to_list()
        layouts = {str(one["_id"]): Layout.read(one) for one in records}
        wanted: set[HashKey] = {hash_key(name) for name in (*names, *layouts)}
        collections = {
            one["name"]: ExistingCollection(
                one.get("options", {}).get("validator", {}), await read_indexes(driver, one["name"])
            )
            for one in found
            if hash_key(one["name"]) in wanted
        }
    return ExistingSchema(collections, layouts)


async def read_layout(driver: MongoDriver, name: str) -> Layout:
    """Return the layout of a DocType, an empty one if there is none."""
    with translate_errors():
        return Layout.read(await driver.get_collection(SCHEMA).find_one({"_id": {"$eq": name}}))


async def read_indexes(driver: MongoDriver, collection: str) -> dict[str, Index]:
    """Return the indexes of a collection that the framework has made, by name."""
    found = await (await driver.get_collection(collection).list_indexes()).to_list()
    return {one["name"]: _index(one) for one in found if one["name"].startswith(PREFIXES)}


def _index(shown: Mapping[str, Any]) -> Index:
    where = _plain(shown.get("partialFilterExpression", {}))
    return Index(tuple(shown["key"]), bool(shown.get("unique", False)), where)


def _plain(value: Any) -> Any:
    """Return a value with plain dictionaries, without the order that `SON` compares."""
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, Mapping) else value
