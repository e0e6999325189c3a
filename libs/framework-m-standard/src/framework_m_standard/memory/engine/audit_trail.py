"""`AuditTrail`: the append-only storage of the audit log; entries cannot be changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Final
from uuid import UUID

from framework_m_core.spi import AuditEntry, HashKey, hash_key
from framework_m_standard.memory.engine.rows import format_json, parse_json

__all__ = ["AuditTrail", "SealedEntry", "seal"]

_ELSEWHERE: Final = MappingProxyType[str, object]({})


@dataclasses.dataclass(frozen=True, slots=True)
class SealedEntry:
    """An entry whose changes are stored as text, so that no reference to them can change it."""

    entry: AuditEntry
    changes: str

    def unseal(self) -> AuditEntry:
        """Return the entry as it was recorded, with a new copy of its changes."""
        return dataclasses.replace(self.entry, changes=parse_json(self.changes))


def seal(entry: AuditEntry) -> SealedEntry:
    """Return an entry in its stored form."""
    return SealedEntry(dataclasses.replace(entry, changes=_ELSEWHERE), format_json(entry.changes))


class AuditTrail:
    """Entries by document, in the order of their commits."""

    __slots__ = ("__entries",)

    def __init__(self) -> None:
        self.__entries: dict[tuple[str, HashKey], list[SealedEntry]] = {}

    def append(self, entries: Sequence[SealedEntry]) -> None:
        """Append entries permanently."""
        for one in entries:
            self.__entries.setdefault((one.entry.doctype, hash_key(one.entry.document_id)), []).append(one)

    def of(self, doctype: str, document_id: UUID) -> tuple[SealedEntry, ...]:
        """Return the entries of one document."""
        return tuple(self.__entries.get((doctype, hash_key(document_id)), ()))

    def __iter__(self) -> Iterator[SealedEntry]:
        for entries in self.__entries.values():
            yield from tuple(entries)
