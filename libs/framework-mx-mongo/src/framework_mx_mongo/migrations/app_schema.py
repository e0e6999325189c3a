"""`AppSchema`: the collections of the app's DocTypes, compared with a database.

The framework's own collections are excluded, because the app's revisions do not cover them.
"""

from __future__ import annotations

from framework_m_core.spi import BUILT_IN_APP
from framework_mx_mongo.documents.indexes import FRAMEWORK_INDEXES
from framework_mx_mongo.documents.layout import Layout
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.schema.changes import AddIndex, Change, CreateCollection
from framework_mx_mongo.schema.comparison import (
    compare_collections,
    compare_doctypes,
    compare_framework,
    find_undeclared,
)
from framework_mx_mongo.schema.existing import ExistingSchema, read_existing
from framework_mx_mongo.store import MongoStore

__all__ = ["AppSchema"]


class AppSchema:
    """The declared collections of an app."""

    def __init__(self, store: MongoStore) -> None:
        self._driver = store.global_driver
        plans = store.registry.doctypes.values()
        self._plans = [plan for plan in plans if plan.app != BUILT_IN_APP]
        self._ours = [plan for plan in plans if plan.app == BUILT_IN_APP]

    @property
    def names(self) -> list[str]:
        """The names of the app's DocTypes."""
        return [plan.name for plan in self._plans]

    async def existing(self) -> ExistingSchema:
        """Return the schema of the database without the framework's own collections."""
        ours = {plan.name for plan in self._ours}
        found = await read_existing(self._driver, self.names)
        collections = {name: one for name, one in found.collections.items() if name not in ours}
        return ExistingSchema(collections, {name: one for name, one in found.layouts.items() if name not in ours})

    async def changes(self, *, drop: bool = False) -> list[Change]:
        """Return the changes that make the database match the DocTypes."""
        return self.compare(await self.existing(), drop=drop)

    def compare(self, existing: ExistingSchema, *, drop: bool = False) -> list[Change]:
        """Return the changes that make a schema match the DocTypes."""
        declared = compare_doctypes(self._plans, existing, drop=drop)
        return [*declared, *find_undeclared(existing, self.names, drop=drop)]

    async def find_lacking(self, wanted: ExistingSchema) -> list[Change]:
        """Return the changes that give the database what another schema has besides."""
        return list(compare_collections(wanted, await self.existing()))

    async def find_first_changes(self) -> list[Change]:
        """Return the changes that make the collections of the database as they are."""
        changes: list[Change] = []
        existing = await self.existing()
        for name, found in existing.collections.items():
            changes.append(CreateCollection(name, existing.layouts.get(name, Layout())))
            changes += [AddIndex(name, index) for index in found.indexes.values()]
        return changes

    async def compare_framework(self) -> list[Change]:
        """Return the missing changes of the framework's own collections."""
        names = [*FRAMEWORK_INDEXES, *(plan.name for plan in self._ours)]
        existing = await read_existing(self._driver, names)
        return [*compare_framework(existing), *compare_doctypes(self._ours, existing)]

    async def has_collections(self) -> bool:
        """Return whether any of the app's collections exists."""
        with translate_errors():
            found = await self._driver.database.list_collection_names()
        return not set(self.names).isdisjoint(found)

    async def has_documents(self) -> bool:
        """Return whether any of the app's collections holds documents."""
        with translate_errors():
            for name in self.names:
                if await self._driver.collection(name).find_one({}, {"_id": 1}) is not None:
                    return True
        return False
