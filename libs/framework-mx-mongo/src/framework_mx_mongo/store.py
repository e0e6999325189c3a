"""`MongoStore`: driver, codecs and the defaults of the stored schema, shared by the adapters of the store family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from framework_m_core.spi import (
    CompiledDocType,
    Derived,
    HashKey,
    MigrationFolders,
    Registry,
    RegistryHandle,
    RequestContext,
    hash_key,
)
from framework_mx_mongo.documents.codec import DocumentCodec
from framework_mx_mongo.documents.layout import SCHEMA
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.engine.error_translation import translate_errors

__all__ = ["MongoStore"]


class MongoStore:
    """A database for the current and future registries.

    `global_driver` is for what belongs to no tenant: schema, outbox and consumers. Everything done for a request uses
    `driver_for` its context. `migrations` are the folders of the apps' migrations.
    """

    def __init__(
        self, mongo_driver: MongoDriver, registry_handle: RegistryHandle, migrations: MigrationFolders | None = None
    ) -> None:
        self.global_driver = mongo_driver
        self.registry_handle = registry_handle
        self.migrations = migrations or MigrationFolders()
        self._codecs: Derived[CompiledDocType, DocumentCodec] = Derived(DocumentCodec)
        self._defaults: dict[HashKey, dict[str, Any]] = {}

    def __repr__(self) -> str:
        return f"<MongoStore on {self.global_driver!r}>"

    def driver_for(self, context: RequestContext) -> MongoDriver:
        """Return the driver of a context's tenant; at present, one serves all."""
        return self.global_driver

    def list_drivers(self) -> Sequence[MongoDriver]:
        """Return all drivers that `driver_for` may return, for upkeep of every tenant's data."""
        return (self.global_driver,)

    @property
    def registry(self) -> Registry:
        """The current registry, for code that handles the whole schema; a unit of work uses that of its context."""
        return self.registry_handle.current

    def codec_of(self, plan: CompiledDocType) -> DocumentCodec:
        """Return the codec of a DocType, made on first use."""
        return self._codecs.of(plan)

    def defaults_of(self, doctype: str) -> Mapping[str, Any]:
        """Return the stored columns of a DocType with their defaults; they may be of a newer registry than this."""
        return self._defaults.get(doctype, {})

    async def load_defaults(self) -> bool:
        """Read the defaults of the stored schema; return whether they have changed."""
        with translate_errors():
            found = await self.global_driver.get_collection(SCHEMA).find({"columns": {"$exists": True}}).to_list()
        known, self._defaults = self._defaults, {hash_key(one["_id"]): _defaults(one["columns"]) for one in found}
        return known != self._defaults


def _defaults(columns: list[dict[str, Any]]) -> dict[str, Any]:
    return {column["name"]: column["default"] for column in columns}
