"""What core knows of a DocType: a protocol, the framework's own fields and the document states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel

__all__ = [
    "CHILD_FRAMEWORK_FIELDS",
    "EPOCH",
    "FRAMEWORK_FIELDS",
    "UNSAVED_ID",
    "VERSION_ATTRIBUTE",
    "VERSION_FIELD",
    "BaseDocTypeProtocol",
    "DocStatus",
    "Submittable",
    "attribute_of",
    "construct",
    "is_document_class",
]

VERSION_FIELD = "_version"
VERSION_ATTRIBUTE = "row_version"
UNSAVED_ID = UUID(int=0)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FRAMEWORK_FIELDS = (
    "id",
    "name",
    "owner",
    "creation",
    "modified",
    "modified_by",
    "docstatus",
    VERSION_FIELD,
    "deleted_at",
)
"""Columns that every stored document has, in their order; never taken from a body."""

CHILD_FRAMEWORK_FIELDS = ("id",)
"""What a child row has of them; its place in the list is its order."""


_ATTRIBUTES = frozenset(VERSION_ATTRIBUTE if name == VERSION_FIELD else name for name in FRAMEWORK_FIELDS)


class DocStatus(IntEnum):
    """Where a document stands: only drafts may be changed freely."""

    DRAFT = 0
    SUBMITTED = 1
    CANCELLED = 2


class BaseDocTypeProtocol(Protocol):
    """A document: a pydantic model with the framework's fields. `standard` has the concrete class."""

    id: UUID
    name: str | None
    owner: str
    creation: datetime
    modified: datetime
    modified_by: str
    docstatus: DocStatus
    row_version: int
    deleted_at: datetime | None


class Submittable:
    """Reads a document's state; mixed into the concrete DocType class."""

    docstatus: DocStatus

    @property
    def is_draft(self) -> bool:
        """Whether the document may still be changed freely."""
        return self.docstatus == DocStatus.DRAFT

    @property
    def is_submitted(self) -> bool:
        """Whether the document has been submitted and not cancelled."""
        return self.docstatus == DocStatus.SUBMITTED

    @property
    def is_cancelled(self) -> bool:
        """Whether the document was submitted and then cancelled."""
        return self.docstatus == DocStatus.CANCELLED


def attribute_of(field: str) -> str:
    """The Python attribute that holds a field (they differ for `_version` alone, which pydantic keeps private)."""
    return VERSION_ATTRIBUTE if field == VERSION_FIELD else field


def is_document_class(member: object) -> bool:
    """Whether something is a pydantic model with the framework's fields."""
    return isinstance(member, type) and issubclass(member, BaseModel) and member.model_fields.keys() >= _ATTRIBUTES


def construct[T: BaseModel](model: type[T], values: Mapping[str, Any]) -> T:
    """A model from values that are known to be valid, attribute by attribute, without validating.

    Pydantic's own `model_construct` costs more than validation; it is used only where private attributes need it.
    """
    if model.__private_attributes__:
        return model.model_construct(**values)
    instance = model.__new__(model)
    object.__setattr__(instance, "__dict__", dict(values))
    object.__setattr__(instance, "__pydantic_fields_set__", set(values))
    object.__setattr__(instance, "__pydantic_extra__", None)
    object.__setattr__(instance, "__pydantic_private__", None)
    return instance
