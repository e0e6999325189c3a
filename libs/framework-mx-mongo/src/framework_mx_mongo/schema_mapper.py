"""`MongoSchemaMapper`: port `SchemaMapperProtocol`; collections with their validators and indexes.

What exists is compared with what the DocTypes want; documents get the defaults of new fields before the validator
demands them. Values are never dropped. If migrations own the schema, it only compares.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from framework_m_core.spi import ConfigurationError, MigrationGraph, RegistryView, list_pending
from framework_mx_mongo.documents.indexes import FRAMEWORK_INDEXES
from framework_mx_mongo.documents.layout import SCHEMA
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.engine.operations import increase
from framework_mx_mongo.schema.changes import AddIndex, Change, ChangeField, ChangeRowField, is_change
from framework_mx_mongo.schema.comparison import compare_doctypes, compare_framework
from framework_mx_mongo.schema.description import describe_change
from framework_mx_mongo.schema.editor import SchemaEditor, has_duplicates, has_values
from framework_mx_mongo.schema.existing import ExistingSchema, read_existing
from framework_mx_mongo.schema.recorder import read_record
from framework_mx_mongo.store import MongoStore

__all__ = ["MongoSchemaMapper"]

_GENERATION: Final = "m:generation"


class MongoSchemaMapper:
    """A comparison of the DocTypes with the collections."""

    def __init__(self, mongo_store: MongoStore) -> None:
        self._store = mongo_store
        self._driver = mongo_store.global_driver

    @property
    def sync_schema(self) -> bool | None:
        """The setting `[mongo] sync_schema`."""
        return self._driver.sync_schema

    async def is_migrated(self) -> bool:
        """Return whether migrations own the schema: they have changed this database, or the app here has some."""
        return self._graph().is_begun() or (await read_record(self._driver)).exists

    async def plan(self) -> Sequence[str]:
        """Return the pending migrations, else the changes that `sync` would make. Raises ConfigurationError."""
        await self._store.load_defaults()
        is_migrated = await self.is_migrated()
        if is_migrated and (pending := list_pending(self._graph(), await read_record(self._driver))):
            return pending
        existing, changes = await self._compare(self._store.registry)
        if errors := [error async for error in self._find_errors(existing, changes)]:
            if is_migrated:
                return errors  # a revision can make changes that sync cannot
            raise _refusal(errors)
        return [describe_change(change) for change in changes]

    async def sync(self) -> Sequence[str]:
        """Apply all changes, or none if one is impossible. Raises ConfigurationError as `plan` does."""
        return await self.expand(self._store.registry)

    async def expand(self, registry: RegistryView) -> Sequence[str]:
        """Sync to a future registry; documents written under the current one get the defaults of its new fields."""
        if await self.is_migrated():
            if lacking := await self.plan():
                raise ConfigurationError(
                    "only migrations change this schema, by `m migrate create` and `m migrate run`:", lacking
                )
            return ()
        existing, changes = await self._compare(registry)
        if errors := [error async for error in self._find_errors(existing, changes)]:
            raise _refusal(errors)
        editor = SchemaEditor(self._driver)
        for change in changes:
            await editor.perform(change)
        await self._store.load_defaults()
        return [describe_change(change) for change in changes]

    async def read_generation(self) -> int:
        """Return the number of the registry published last."""
        with translate_errors():
            found = await self._schema.find_one({"_id": {"$eq": _GENERATION}})
        return int(found["number"]) if found else 0

    async def publish(self) -> int:
        """Increase that number and return it."""
        return await self._driver.within(
            lambda transaction: transaction.run(SCHEMA, increase(_GENERATION, "number", 1))
        )

    def _graph(self) -> MigrationGraph:
        return self._store.migrations.read(self._store.registry)

    @property
    def _schema(self) -> Any:
        return self._driver.get_collection(SCHEMA)

    async def _compare(self, registry: RegistryView) -> tuple[ExistingSchema, list[Change]]:
        plans = registry.doctypes.values()
        existing = await read_existing(self._driver, [*FRAMEWORK_INDEXES, *(plan.name for plan in plans)])
        changes = [*compare_framework(existing), *compare_doctypes(plans, existing)]
        return existing, [change for change in changes if is_change(change)]

    async def _find_errors(self, existing: ExistingSchema, changes: Sequence[Change]) -> AsyncIterator[str]:
        """Yield an error for each change that would need other values than are stored."""
        for change in changes:
            name = change.collection
            match change:
                case ChangeField(name=path, before=before, column=column):
                    kinds = (before.kind, column.kind)
                case ChangeRowField(path=path, before=str() as was, kind=str() as kind):
                    kinds = (was, kind)
                case AddIndex(index=index) if index.unique and name in existing.collections:
                    if await has_duplicates(self._driver, name, index):
                        yield (
                            f"{name}: documents have equal values of {', '.join(index.keys)}, so it cannot become "
                            "unique: change the values first"
                        )
                    continue
                case _:
                    continue
            if kinds[0] != kinds[1] and await has_values(self._driver, name, path):
                yield (
                    f"{name}.{path}: expected {kinds[1]}, got stored values of kind {kinds[0]}: rename the field, or "
                    "use migrations, which convert them"
                )


def _refusal(errors: Sequence[str]) -> ConfigurationError:
    return ConfigurationError("the stored documents cannot be adapted to the DocTypes:", errors)
