"""`AppSchema`: the collections of the apps' DocTypes, compared with a database.

The framework's own collections are excluded, because the apps' revisions do not cover them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from framework_m_core.spi import BUILT_IN_APP, MigrationGraph, hash_key
from framework_mx_mongo.documents.indexes import FRAMEWORK_INDEXES, indexes_of
from framework_mx_mongo.documents.layout import Layout, layout_of
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.migrations.division import CollectionOwners, split_changes
from framework_mx_mongo.schema.changes import AddField, AddIndex, Change, ChangeRowField, CreateCollection
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
    """The declared collections of all apps."""

    def __init__(self, store: MongoStore) -> None:
        self._driver = store.global_driver
        self.registry = store.registry
        self.owners = CollectionOwners(store.registry)
        plans = store.registry.doctypes.values()
        self._plans = [plan for plan in plans if plan.app != BUILT_IN_APP]
        self._ours = [plan for plan in plans if plan.app == BUILT_IN_APP]

    @property
    def names(self) -> list[str]:
        """The names of the apps' DocTypes."""
        return [plan.name for plan in self._plans]

    async def read_existing(self) -> ExistingSchema:
        """Return the schema of the database without the framework's own collections."""
        ours = {plan.name for plan in self._ours}
        found = await read_existing(self._driver, self.names)
        collections = {name: one for name, one in found.collections.items() if name not in ours}
        return ExistingSchema(collections, {name: one for name, one in found.layouts.items() if name not in ours})

    async def find_changes(self, *, drop: bool = False) -> list[Change]:
        """Return the changes that make the database match the DocTypes."""
        return self.compare(await self.read_existing(), drop=drop)

    def compare(self, existing: ExistingSchema, *, drop: bool = False) -> list[Change]:
        """Return the changes that make a schema match the DocTypes."""
        declared = compare_doctypes(self._plans, existing, drop=drop)
        return [*declared, *find_undeclared(existing, self.names, drop=drop)]

    def split_by_app(self, changes: Iterable[Change], graph: MigrationGraph) -> Mapping[str, list[Change]]:
        """Return changes by the app whose revisions contain them."""
        return split_changes(changes, self.owners, graph)

    def is_declared(self, change: Change) -> bool:
        """Return whether a DocType declares what a change adds."""
        plan = next((plan for plan in self._plans if plan.name == change.collection), None)
        if plan is None:
            return False
        layout = layout_of(plan)
        match change:
            case AddField(name=name):
                return name in layout.columns
            case ChangeRowField(path=path):
                return path in layout.rows
            case AddIndex(index=index):
                return index.name in {one.name for one in indexes_of(plan)}
        return True

    async def find_lacking(self, wanted: ExistingSchema) -> list[Change]:
        """Return the changes that give the database what another schema has besides."""
        return list(compare_collections(wanted, await self.read_existing()))

    async def find_first_changes(self) -> list[Change]:
        """Return the changes that make the collections of the database as they are."""
        changes: list[Change] = []
        existing = await self.read_existing()
        for name, found in existing.collections.items():
            changes.append(CreateCollection(name, existing.layouts.get(name, Layout())))
            changes += [AddIndex(name, index) for index in found.indexes.values()]
        return changes

    async def compare_framework(self) -> list[Change]:
        """Return the missing changes of the framework's own collections."""
        names = [*FRAMEWORK_INDEXES, *(plan.name for plan in self._ours)]
        existing = await read_existing(self._driver, names)
        return [*compare_framework(existing), *compare_doctypes(self._ours, existing)]

    async def find_apps(self) -> frozenset[str]:
        """Return the apps of which any collection exists."""
        return frozenset(map(self.owners.app_of, await self._existing_names()))

    async def find_filled(self) -> frozenset[str]:
        """Return the apps of which any collection holds documents."""
        names = await self._existing_names()
        with translate_errors():
            filled = [
                name for name in names if await self._driver.get_collection(name).find_one({}, {"_id": 1}) is not None
            ]
        return frozenset(map(self.owners.app_of, filled))

    async def _existing_names(self) -> list[str]:
        with translate_errors():
            found = {hash_key(name) for name in await self._driver.database.list_collection_names()}
        return [name for name in self.names if hash_key(name) in found]
