"""Architecture section 5 in plain Python: what a caller's roles permit to do, see and set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.permission_proof.declared import (
    FRAMEWORK,
    DeclaredDocType,
    DeclaredField,
    Scope,
    Who,
)
from tests.permission_proof.plain_filters import holds, lacks, parse_value, values_of

__all__ = ["PermissionModel", "Refused", "SelectionModel"]

_ADMINISTRATOR, _GUEST, _ALL = "Administrator", "Guest", "All"


class Refused(Exception):  # noqa: N818 - an expected result, not a test failure
    """A request that is refused, with the status that the table of section 5 gives it."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"{status}: {why}")
        self.status = status


class PermissionModel:
    """The permissions of one caller for the documents of one DocType."""

    def __init__(self, declared: DeclaredDocType, who: Who) -> None:
        self.declared = declared
        self.who = who
        self.roles = who.roles | ({_GUEST, _ALL} if who.id else {_GUEST})
        self._everything = _ADMINISTRATOR in who.roles

    def has(self, action: str) -> bool:
        """Return whether any role of the caller has the action."""
        return self._everything or bool(self._scopes(action))

    def require_action(self, action: str) -> None:
        """Raise Refused unless the caller has a grant for the action."""
        if not self.has(action):
            raise Refused(403 if self.who.id else 401, f"no grant for {action} {self.declared.name}")

    def covers(self, action: str, document: Mapping[str, Any]) -> bool:
        """Return whether any scope of the caller's roles covers a document."""
        return self._everything or any(self._holds(scope, document) for scope in self._scopes(action))

    def require_covered(self, action: str, document: Mapping[str, Any]) -> None:
        """Raise Refused unless the action's scopes cover the document."""
        if not self.covers(action, document):
            raise Refused(403, f"not this document to {action}")

    def reads(self, field: DeclaredField, table: DeclaredField | None = None) -> bool:
        """Return whether the caller may see a field, or a column of a table that it may see."""
        return (table is None or self.reads(table)) and self._has_level(field, table, "read")

    def writes(self, field: DeclaredField, table: DeclaredField | None = None) -> bool:
        """Return whether the caller may set a field, or a column of a table that it may set."""
        if field.read_only or field.fetch:
            return False
        return (table is None or self.writes(table)) and self._has_level(field, table, "write")

    def writable(self, name: str) -> DeclaredField | None:
        """Return the field of this name if the caller may set it."""
        field = self.declared.get(name)
        return field if field and self.writes(field) else None

    def sees(self, name: str) -> bool:
        """Return whether a field of this name exists for the caller."""
        field = self.declared.get(name)
        return self.reads(field) if field else name in FRAMEWORK and name != "deleted_at"

    def serialize(self, document: Mapping[str, Any], names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the fields of a document that the caller may see, or those among `names`."""
        chosen = document if names is None else names
        shown = {name: document[name] for name in chosen if self.sees(name)}
        for field in self.declared.fields:
            if field.rows and field.name in shown:
                shown[field.name] = [self._row(field, row) for row in document[field.name]]
        return shown

    def same(self, name: str, stored: Any, raw: Any) -> bool:
        """Return whether a body's value equals the stored one."""
        return bool(parse_value(self.declared.kind(name), raw) == stored)

    def _row(self, table: DeclaredField, row: Mapping[str, Any]) -> dict[str, Any]:
        columns = table.rows.fields if table.rows else ()
        return {"id": row["id"], **{one.name: row[one.name] for one in columns if self.reads(one, table)}}

    def _has_level(self, field: DeclaredField, table: DeclaredField | None, way: str) -> bool:
        if field.level == 0 or self._everything:
            return True
        levels = (table.rows or self.declared).levels if table else self.declared.levels
        return field.level in levels and bool(self.roles & {*getattr(levels[field.level], way)})

    def _scopes(self, action: str) -> list[Scope]:
        given = (self.declared.permissions or {}).get(action, ())
        if not isinstance(given, Mapping):
            given = dict.fromkeys(given, "own" if self.declared.rls_field else "all")
        return [scope for role, scope in given.items() if role in self.roles]

    def _holds(self, scope: Scope, document: Mapping[str, Any]) -> bool:
        if scope == "all":
            return True
        if isinstance(scope, Mapping):
            return not lacks(scope, self.declared, self.who) and holds(scope, self.declared, document, self.who)
        name = self.declared.rls_field or "owner"
        field = self.declared.get(name)
        is_person = name in {"id", "owner"} or (field is not None and field.link == "User")
        known = values_of(self.who, "id" if is_person else name, self.declared.kind(name))
        return document[name] is not None and document[name] in (known or ())


class SelectionModel(PermissionModel):
    """The permissions of a caller who selects documents without reading them."""

    def sees(self, name: str) -> bool:
        """Return whether a field tells documents apart; these DocTypes have no title field."""
        return name in {"id", "name", "_version"}
