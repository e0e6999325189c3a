"""The record of migrations in a database: the collection `m_migration`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from framework_m_core.spi import MigrationRecord, RevisionFile
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.engine.transaction import Transaction

__all__ = ["LEDGER", "forget_revision", "mark_begun", "read_record", "record_patch", "record_revisions"]

LEDGER: Final = "m_migration"

_BEGUN: Final = {"_id": "begun"}


async def read_record(driver: MongoDriver) -> MigrationRecord:
    """Read the record of migrations in a database."""
    with translate_errors():
        found = await driver.collection(LEDGER).find({"kind": {"$in": ["begun", "revision", "patch"]}}).to_list()
    revisions = [one for one in found if one["kind"] == "revision"]
    followed = {down for one in revisions for down in one["down"]}
    return MigrationRecord(
        exists=bool(found),
        revisions=tuple(sorted(one["name"] for one in revisions if one["name"] not in followed)),
        patches={one["name"]: one["checksum"] for one in found if one["kind"] == "patch"},
        checksums={one["name"]: one["checksum"] for one in revisions},
    )


async def mark_begun(driver: MongoDriver) -> None:
    """Record that migrations own the schema from now on."""
    with translate_errors():
        await driver.collection(LEDGER).update_one(_BEGUN, {"$set": {"kind": "begun"}}, upsert=True)


async def record_revisions(transaction: Transaction, revisions: Iterable[RevisionFile]) -> None:
    """Record in a transaction that revisions were applied."""
    for revision in revisions:
        entry = {
            "kind": "revision",
            "name": revision.id,
            "down": [*revision.down],
            "checksum": revision.checksum,
            "applied_at": datetime.now(UTC).isoformat(),
        }
        await _put(transaction, f"revision:{revision.id}", entry)


async def record_patch(transaction: Transaction, name: str, checksum: str, applied_at: str) -> None:
    """Record in a transaction that a patch was applied."""
    entry = {"kind": "patch", "name": name, "checksum": checksum, "applied_at": applied_at}
    await _put(transaction, f"patch:{name}", entry)


async def forget_revision(transaction: Transaction, revision: str) -> None:
    """Record in a transaction that a revision was reverted."""
    gone = {"_id": {"$eq": f"revision:{revision}"}}
    await transaction.run(LEDGER, lambda ledger, session: ledger.delete_one(gone, session=session))


async def _put(transaction: Transaction, id: str, entry: dict[str, Any]) -> None:
    await transaction.run(
        LEDGER,
        lambda ledger, session: ledger.replace_one({"_id": {"$eq": id}}, entry, upsert=True, session=session),
    )
