"""DocTypes, callers and requests as plain data, the input of both the product and the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

__all__ = [
    "FRAMEWORK",
    "CallerValue",
    "Declared",
    "DeclaredDocType",
    "DeclaredField",
    "Documents",
    "Level",
    "Request",
    "Scope",
    "Stored",
    "Tree",
    "Who",
    "find_referrers",
]

FRAMEWORK = ("id", "name", "owner", "creation", "modified", "modified_by", "docstatus", "_version", "deleted_at")
"""The fields that every document has."""

type Tree = Mapping[str, Any]
"""A filter as in JSON: `{"field", "operator", "value"}`, `{"and": [...]}`, `{"or": [...]}` or `{"not": {...}}`."""

type Scope = str | Tree
"""`all`, `own` or a filter."""

type Documents = Mapping[UUID, Mapping[str, Any]]
type Stored = Mapping[str, Documents]
"""Documents by DocType and id, each with all stored values; child rows are lists of dictionaries."""


@dataclass(frozen=True)
class CallerValue:
    """A placeholder in a scope for the caller's `id`, `email`, or values of an attribute."""

    name: str


@dataclass(frozen=True)
class DeclaredField:
    """A field: its kind (`text`, `integer`, `decimal`, `boolean`, `date`, `link`, `rows`) and its options."""

    name: str
    kind: str
    nullable: bool = True
    default: Any = None
    level: int = 0
    read_only: bool = False
    on_submit: bool = False
    link: str | None = None
    fetch: str | None = None
    rows: DeclaredDocType | None = None
    is_framework: bool = False
    """Whether the framework adds the field, so that no class declares it."""


@dataclass(frozen=True)
class Level:
    """The roles that may read and write the fields of a level."""

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeclaredDocType:
    """A DocType with the permissions of its `Meta`."""

    name: str
    fields: tuple[DeclaredField, ...]
    permissions: Mapping[str, tuple[str, ...] | Mapping[str, Scope]] | None = None
    rls_field: str | None = "owner"
    levels: Mapping[int, Level] = field(default_factory=dict)
    submittable: bool = False
    is_child: bool = False

    def get(self, name: str) -> DeclaredField | None:
        """Return the declared field of this name, or None."""
        return next((one for one in self.fields if one.name == name), None)

    def kind(self, name: str) -> str:
        """Return the kind of a field, which may be one of the framework's."""
        found = self.get(name)
        return found.kind if found else _FRAMEWORK_KINDS[name]


type Declared = Mapping[str, DeclaredDocType]

_FRAMEWORK_KINDS = {
    "id": "link",
    "name": "text",
    "owner": "text",
    "creation": "moment",
    "modified": "moment",
    "modified_by": "text",
    "docstatus": "integer",
    "_version": "integer",
    "deleted_at": "moment",
}


@dataclass(frozen=True)
class Who:
    """A caller; an empty id means anonymous."""

    id: str
    roles: frozenset[str]
    email: str = ""
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """A request of a caller.

    `verb` is get, list, create, update, submit, cancel, amend, delete, purge or restore; `query` holds a read's
    parameters.
    """

    verb: str
    doctype: str
    ref: UUID | str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)


def find_referrers(
    declared: Declared, stored: Stored, doctype: str, id: UUID
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield DocTypes and documents, including deleted ones, that link to a document, directly or in a child row."""
    for name, documents in stored.items():
        for document in documents.values():
            if any(_document_links(declared[name], document, doctype, id)):
                yield name, document


def _document_links(
    declared: DeclaredDocType, document: Mapping[str, Any], doctype: str, id: UUID
) -> Iterator[DeclaredField]:
    """Yield the fields by which a document links to another."""
    for one in declared.fields:
        if one.rows:
            nested, rows = one.rows, document[one.name]
            if any(any(_document_links(nested, row, doctype, id)) for row in rows):
                yield one
        elif one.link == doctype and document[one.name] == id:
            yield one
