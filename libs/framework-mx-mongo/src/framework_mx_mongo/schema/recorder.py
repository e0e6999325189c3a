"""The record of migrations in a database: the collection `m_migration`.

Entries of a version that knew one app only name none.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from framework_m_core.spi import FORMER_APP, MigrationKind, MigrationRecord, PatchFile, RevisionFile, StepId
from framework_mx_mongo.engine.driver import MongoDriver
from framework_mx_mongo.engine.error_translation import translate_errors
from framework_mx_mongo.engine.transaction import Transaction

__all__ = [
    "RECORDS",
    "forget_revisions",
    "prepare_record",
    "read_record",
    "record_patch",
    "record_revisions",
]

RECORDS: Final = "m_migration"

_BEGUN: Final = "begun"
_KINDS: Final = (_BEGUN, MigrationKind.REVISION.value, MigrationKind.PATCH.value)
_FORMER: Final = {"kind": {"$in": [*_KINDS]}, "app": {"$exists": False}}


async def read_record(driver: MongoDriver) -> MigrationRecord:
    """Read the record of migrations in a database."""
    with translate_errors():
        found = await driver.get_collection(RECORDS).find({"kind": {"$in": [*_KINDS]}}).to_list()
    steps = [
        (one["kind"], StepId(one.get("app", FORMER_APP), one.get("name", "")), one.get("checksum")) for one in found
    ]
    return MigrationRecord(
        exists=bool(found),
        apps=frozenset(step.app for _, step, _ in steps),
        revisions={step: checksum for kind, step, checksum in steps if kind == MigrationKind.REVISION},
        patches={step: str(checksum) for kind, step, checksum in steps if kind == MigrationKind.PATCH},
    )


async def prepare_record(transaction: Transaction, record: MigrationRecord, apps: Iterable[str]) -> None:
    """Note that apps have begun: from then on migrations own the schema.

    What a version before has recorded is kept, in `record`, and named by app.
    """
    for app in sorted({*record.apps, *apps}):
        await _put(transaction, _BEGUN, StepId(app, ""), {})
    if not await transaction.run(RECORDS, lambda records, session: records.find_one(_FORMER, session=session)):
        return
    for step, checksum in record.revisions.items():
        await _put(transaction, MigrationKind.REVISION, step, {"checksum": checksum})
    for step, checksum in record.patches.items():
        await _put(transaction, MigrationKind.PATCH, step, {"checksum": checksum})
    await transaction.run(RECORDS, lambda records, session: records.delete_many(_FORMER, session=session))


async def record_revisions(transaction: Transaction, revisions: Iterable[RevisionFile]) -> None:
    """Record in a transaction that revisions were applied, and that their apps have begun."""
    for revision in revisions:
        entry = {"checksum": revision.checksum, "applied_at": datetime.now(UTC).isoformat()}
        await _put(transaction, MigrationKind.REVISION, revision.step, entry)
        await _put(transaction, _BEGUN, StepId(revision.app, ""), {})


async def record_patch(transaction: Transaction, patch: PatchFile, applied_at: str) -> None:
    """Record in a transaction that a patch was applied."""
    entry = {"checksum": patch.checksum, "applied_at": applied_at}
    await _put(transaction, MigrationKind.PATCH, patch.step, entry)


async def forget_revisions(transaction: Transaction, steps: Iterable[StepId]) -> None:
    """Record in a transaction that revisions were reverted."""
    gone = {"_id": {"$in": [f"{MigrationKind.REVISION}:{step}" for step in steps]}}
    await transaction.run(RECORDS, lambda records, session: records.delete_many(gone, session=session))


async def _put(transaction: Transaction, kind: str, step: StepId, entry: dict[str, Any]) -> None:
    id, whole = f"{kind}:{step}", {"kind": str(kind), **step._asdict(), **entry}
    await transaction.run(
        RECORDS,
        lambda records, session: records.replace_one({"_id": {"$eq": id}}, whole, upsert=True, session=session),
    )
