"""`DocumentWriter`: the writes of documents in a transaction, which check the links that the database does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from framework_m_core.spi import (
    VERSION_FIELD,
    CompiledDocType,
    DuplicateNameError,
    DuplicateValueError,
    FrameworkError,
    HashKey,
    IntegrityError,
    RegistryView,
    TransientError,
    VersionConflictError,
    hash_key,
)
from framework_mx_mongo.documents.indexes import create_live_index, find_unique_columns
from framework_mx_mongo.engine.error_translation import InvalidDocumentError
from framework_mx_mongo.engine.operations import find, find_one, insert, update_many
from framework_mx_mongo.engine.referrers import build_linking_query
from framework_mx_mongo.engine.transaction import Transaction
from framework_mx_mongo.store import MongoStore

__all__ = ["DocumentWriter", "Stored"]

type Stored = dict[str, Any]


class DocumentWriter:
    """The writes of one DocType's documents, given as BSON."""

    def __init__(self, store: MongoStore, transaction: Transaction, plan: CompiledDocType) -> None:
        self._store = store
        self._transaction = transaction
        self._plan = plan

    async def insert(self, document: Stored) -> None:
        """Insert a document. Raises DuplicateNameError, DuplicateValueError and IntegrityError."""
        document = {**self._store.defaults_of(self._plan.name), **document}
        await self._check_unique(document, inserting=True)
        await self._check_links(document, None)
        self._transaction.note(self._plan.name, document["_id"], None)
        await self._run_write(insert([document]))

    async def update(self, document: Stored, expected_version: int, stored: Mapping[str, Any] | None) -> None:
        """Replace a document, keeping its creation time and the fields that its DocType no longer has.

        Links that are as `stored`, if that is known, exist. Raises VersionConflictError, and as `insert` does.
        """
        id = document["_id"]
        await self._check_unique(document, inserting=False)
        await self._check_links(document, stored)
        where = {"_id": {"$eq": id}, VERSION_FIELD: {"$eq": expected_version}}
        await self._note(where)
        values = {key: value for key, value in document.items() if key not in {"_id", "creation"}}
        changed = await self._run_write(
            lambda documents, session: documents.update_one(where, {"$set": values}, session=session)
        )
        if not changed.matched_count:
            raise VersionConflictError(
                f"the {self._plan.name} has changed or gone since version {expected_version}: read it again"
            )

    async def set_values(self, where: Mapping[str, Any], values: Stored) -> int:
        """Set columns of all documents that match and increase their versions; return their number."""
        await self._check_links(values, None)
        await self._note(where)
        change = {"$set": values, "$inc": {VERSION_FIELD: 1}}
        changed = await self._run_write(update_many(where, change))
        return int(changed.matched_count)

    async def remove(self, registry: RegistryView, where: Mapping[str, Any]) -> int:
        """Remove all documents that match; return their number. Raises IntegrityError if others link to one."""
        found = await self._find(where, {"_id": 1})
        ids = [one["_id"] for one in found]
        if not ids:
            return 0
        await self._note({"_id": {"$in": ids}})
        await self._run_write(lambda documents, session: documents.delete_many({"_id": {"$in": ids}}, session=session))
        for referrer in registry.referrers.get(self._plan.name, ()):
            if await self._transaction.run(referrer.doctype, find_one(build_linking_query(referrer, ids), {"_id": 1})):
                raise IntegrityError("expected documents without links to them: delete those that link to them first")
        return len(ids)

    async def _run_write(self, operation: Any) -> Any:
        try:
            return await self._transaction.run(self._plan.name, operation)
        except InvalidDocumentError as error:
            if await self._store.load_defaults():
                raise TransientError("the schema has changed meanwhile: try again") from error
            raise

    async def _find(self, where: Mapping[str, Any], projection: Mapping[str, int] | None = None) -> list[Stored]:
        return await self._transaction.run(self._plan.name, find(where, projection))

    async def _note(self, where: Mapping[str, Any]) -> None:
        if self._transaction.has_savepoint:
            for before in await self._find(where):
                self._transaction.note(self._plan.name, before["_id"], before)

    async def _check_unique(self, document: Stored, *, inserting: bool) -> None:
        """Inside a savepoint, notice a duplicate before the database does, which would end the transaction."""
        if not self._transaction.has_savepoint:
            return
        if inserting and await self._find({"_id": {"$eq": document["_id"]}}, {"_id": 1}):
            raise IntegrityError("a document with this id exists already")
        if document["deleted_at"] is not None:
            return
        for group in find_unique_columns(self._plan):
            index = create_live_index(self._plan, group)
            values = {key: {"$eq": document[key]} for key in index.keys}
            if None not in [document[key] for key in index.keys] and await self._find(
                {**index.where, "$and": [values, {"_id": {"$ne": document["_id"]}}]}, {"_id": 1}
            ):
                raise _duplicate(group)

    async def _check_links(self, document: Mapping[str, Any], stored: Mapping[str, Any] | None) -> None:
        """Check that the documents that this one links to exist, or will with this one."""
        known = _links(self._plan, stored or {})
        for target, ids in _links(self._plan, document).items():
            old = known.get(target, {})
            wanted = [id for key, id in ids.items() if id != document.get("_id") and key not in old]
            if not wanted:
                continue
            found = await self._transaction.run(target, find({"_id": {"$in": wanted}}, {"_id": 1}))
            if len(found) < len(wanted):
                raise IntegrityError(f"a link points to a missing {target}")


def _links(plan: CompiledDocType, document: Mapping[str, Any]) -> dict[str, dict[HashKey, UUID]]:
    """Return the ids that a document links to, by DocType and hash key."""
    links: dict[str, dict[HashKey, UUID]] = {}
    for target, id in _all_links(plan, document):
        if id is not None:
            links.setdefault(target, {})[hash_key(id)] = id
    return links


def _all_links(plan: CompiledDocType, document: Mapping[str, Any]) -> Iterator[tuple[str, UUID | None]]:
    for field, target in plan.links.items():
        yield target, document.get(field)
    for field, child in plan.children.items():
        for name, spec in child.fields.items():
            if spec.link:
                for row in document.get(field) or ():
                    yield spec.link, row[name]


def _duplicate(fields: Sequence[str]) -> FrameworkError:
    if tuple(fields) == ("name",):
        return DuplicateNameError("another document has this name: choose another")
    return DuplicateValueError(f"another document has this value in {', '.join(fields)}", fields=list(fields))
