"""The core view of a DocType: a protocol, the framework fields and the document states."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from pydantic import BaseModel

__all__ = [
    "AMENDED_FROM",
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
"""Columns of every stored document, in order; never set from a request body."""

AMENDED_FROM = "amended_from"
"""The field of documents that can be submitted: the cancelled document that this one amends."""

CHILD_FRAMEWORK_FIELDS = ("id",)
"""The framework fields of a child row; its position in the list is its order."""


_ATTRIBUTES = frozenset(VERSION_ATTRIBUTE if name == VERSION_FIELD else name for name in FRAMEWORK_FIELDS)


class DocStatus(IntEnum):
    """The status of a document; only drafts may be changed freely."""

    DRAFT = 0
    SUBMITTED = 1
    CANCELLED = 2


class BaseDocTypeProtocol(Protocol):
    """A document: a pydantic model with the framework fields. `standard` has the concrete class."""

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
    """Status properties of a document; mixed into the concrete DocType class."""

    docstatus: DocStatus
    if TYPE_CHECKING:  # a field of submittable DocTypes only, which the registry adds
        amended_from: UUID | None

    @property
    def is_draft(self) -> bool:
        """True while the document may be changed freely."""
        return self.docstatus == DocStatus.DRAFT

    @property
    def is_submitted(self) -> bool:
        """True if the document has been submitted and not cancelled."""
        return self.docstatus == DocStatus.SUBMITTED

    @property
    def is_cancelled(self) -> bool:
        """True if the document was submitted and then cancelled."""
        return self.docstatus == DocStatus.CANCELLED


def attribute_of(field: str) -> str:
    """Return the Python attribute of a field; they differ only for `_version`, as pydantic treats it as private."""
    return VERSION_ATTRIBUTE if field == VERSION_FIELD else field


def is_document_class(member: object) -> bool:
    """Return whether an object is a pydantic model class with the framework fields."""
    return isinstance(member, type) and issubclass(member, BaseModel) and member.model_fields.keys() >= _ATTRIBUTES


def construct[T: BaseModel](model: type[T], values: Mapping[str, Any]) -> T:
    """Build a model from values known to be valid, given by attribute, without validating.

    Pydantic's own `model_construct` costs more than validation, so it is used only for private attributes.
    """
    if model.__private_attributes__:
        return model.model_construct(**values)
    instance = model.__new__(model)
    object.__setattr__(instance, "__dict__", dict(values))
    object.__setattr__(instance, "__pydantic_fields_set__", set(values))
    object.__setattr__(instance, "__pydantic_extra__", None)
    object.__setattr__(instance, "__pydantic_private__", None)
    return instance
