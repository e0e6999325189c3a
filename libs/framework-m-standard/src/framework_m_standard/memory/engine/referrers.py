"""Documents that link to others, by their own fields or by their child rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from uuid import UUID

from framework_m_core.spi import HashKey, Referrer, hash_key
from framework_m_standard.memory.engine.rows import Row
from framework_m_standard.memory.engine.transaction import Transaction

__all__ = ["find_holders"]


def find_holders(
    referrers: Iterable[Referrer], transaction: Transaction, keys: Collection[HashKey]
) -> Iterator[tuple[str, Row]]:
    """Yield the documents, with their DocType, that link to one of these keys, including deleted ones."""
    for referrer in referrers:
        for row in transaction.rows_of(referrer.doctype).values():
            if any(target is not None and hash_key(target) in keys for target in _targets(referrer, row)):
                yield referrer.doctype, row


def _targets(referrer: Referrer, row: Row) -> Iterator[UUID | None]:
    if referrer.child is None:
        yield row[referrer.field]
        return
    for child in row[referrer.child] or ():
        yield child[referrer.field]
