"""`Transaction`: the changes of one unit of work, checked as they are made and invisible to others until applied."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
    StoredResponse,
    VersionConflictError,
    hash_key,
)
from framework_m_standard.memory.engine.database import MemoryDatabase
from framework_m_standard.memory.engine.missing_values import fill_row
from framework_m_standard.memory.engine.overlay import Journal, Overlay, OverlayKey
from framework_m_standard.memory.engine.rows import Row
from framework_m_standard.memory.engine.table import Columns, compute_unique_key

__all__ = ["Transaction"]


class Transaction:
    """The view of one writer. Each change is atomic, and raises an error if it violates a constraint."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database
        self._journal = Journal()
        self._overlays: dict[tuple[str, ...], Overlay[Any, Any]] = {}
        self.responses: Overlay[str, StoredResponse] = self._over(("responses",), database.responses)
        self.counters: Overlay[str, int] = self._over(("counters",), database.counters)

    def rows_of(self, doctype: str) -> Overlay[HashKey, Row]:
        """Return the documents of a DocType."""
        return self._over(("rows", doctype), self._database.tables[doctype].rows)

    def mark(self) -> int:
        """Return the current position, for `undo_to`."""
        return self._journal.mark()

    def undo_to(self, mark: int) -> None:
        """Undo all changes since a mark."""
        self._journal.undo_to(mark)

    def apply(self) -> None:
        """Apply all changes to the database."""
        for overlay in self._overlays.values():
            overlay.apply()

    def insert(self, plan: CompiledDocType, row: Row) -> None:
        """Insert a document. Raises DuplicateNameError, DuplicateValueError and IntegrityError."""
        if self.rows_of(plan.name).get(hash_key(row["id"])) is not None:
            raise IntegrityError(f"a {plan.name} with this id exists already")
        self._replace(plan, None, row)

    def update(self, plan: CompiledDocType, row: Row, expected_version: int) -> None:
        """Replace a document, keeping its creation time and the fields that its DocType no longer has.

        Raises VersionConflictError, and the errors of `insert`.
        """
        stored = self.rows_of(plan.name).get(hash_key(row["id"]))
        if stored is None or stored[VERSION_FIELD] != expected_version:
            raise VersionConflictError(
                f"the {plan.name} has changed or gone since version {expected_version}: read it again"
            )
        self._replace(plan, stored, Row({**stored, **row, "creation": stored["creation"]}))

    def set_values(self, plan: CompiledDocType, stored: Row, values: Row) -> None:
        """Set fields of a document and increase its version. Raises as `insert` does."""
        self._replace(plan, stored, Row({**stored, **values, VERSION_FIELD: stored[VERSION_FIELD] + 1}))

    def remove(self, plan: CompiledDocType, row: Row) -> None:
        """Remove a document with its child rows; the caller must check whether others link to it."""
        with self.undo_statement():
            self._release(plan, row)
            self.rows_of(plan.name).remove(hash_key(row["id"]))

    @contextmanager
    def undo_statement(self) -> Iterator[None]:
        """Undo the changes of the block if it raises."""
        mark = self.mark()
        try:
            yield
        except BaseException:
            self.undo_to(mark)
            raise

    def _replace(self, plan: CompiledDocType, before: Row | None, after: Row) -> None:
        newest = self._database.tables[plan.name].plan
        if newest is not plan:
            after = fill_row(newest, after)
        with self.undo_statement():
            if before is not None:
                self._release(plan, before)
            self._claim(plan, after)
            self.rows_of(plan.name).put(hash_key(after["id"]), after)
            self._check_links(plan, after)

    def _claim(self, plan: CompiledDocType, row: Row) -> None:
        for columns, key, owners in self._keys(plan, row):
            if owners.get(key) is not None:
                raise _duplicate(columns)
            owners.put(key, row["id"])

    def _release(self, plan: CompiledDocType, row: Row) -> None:
        for _, key, owners in self._keys(plan, row):
            owners.remove(key)

    def _keys(self, plan: CompiledDocType, row: Row) -> Iterator[tuple[Columns, OverlayKey, Overlay[Any, UUID]]]:
        """Yield the keys that a document claims: its unique keys among live documents, and its child rows' ids."""
        table = self._database.tables[plan.name]
        for columns, owners in table.unique.items():
            key = compute_unique_key(plan, columns, row)
            if key is not None:
                yield columns, key, self._over(("unique", plan.name, *columns), owners)
        for field in plan.children:
            for child in row[field] or ():
                yield (), (field, hash_key(child["id"])), self._over(("row owners", plan.name), table.row_owners)

    def _check_links(self, plan: CompiledDocType, row: Row) -> None:
        for field, target in plan.links.items():
            self._check_link(target, row[field])
        for field, child in plan.children.items():
            for name, spec in child.fields.items():
                if spec.link:
                    for one in row[field]:
                        self._check_link(spec.link, one[name])

    def _check_link(self, target: str, id: UUID | None) -> None:
        if id is not None and self.rows_of(target).get(hash_key(id)) is None:
            raise IntegrityError(f"a link points to a missing {target}")

    def _over[K: OverlayKey, V](self, name: tuple[str, ...], base: dict[K, V]) -> Overlay[K, V]:
        known = self._overlays.get(name)
        if known is None:
            known = self._overlays[name] = Overlay(base, self._journal)
        return known


def _duplicate(columns: Columns) -> FrameworkError:
    if not columns:
        return IntegrityError("a child row has the id of another one")
    if columns == ("name",):
        return DuplicateNameError("another document has this name: choose another")
    return DuplicateValueError(f"another document has this value in {', '.join(columns)}", fields=list(columns))
