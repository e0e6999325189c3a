"""`BaseDocType`: the concrete document class, exported as `framework_m.DocType`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, dataclass_transform
from uuid import UUID

import pydantic
from pydantic import BaseModel, ConfigDict
from pydantic._internal._model_construction import ModelMetaclass

from framework_m_core.domain.documents.doctype import EPOCH, UNSAVED_ID, DocStatus, Submittable
from framework_m_core.domain.fields.field import Field

__all__ = ["BaseDocType", "DocTypeMeta"]


@dataclass_transform(kw_only_default=True, field_specifiers=(Field, pydantic.Field))
class DocTypeMeta(ModelMetaclass):
    """Pydantic's metaclass, marked so that type checkers know `Field` as a field specifier."""


class BaseDocType(BaseModel, Submittable, metaclass=DocTypeMeta):
    """The base class of DocTypes: subclass it to declare fields, and options in an inner `class Meta`.

    Only the service sets the framework's own fields: before, `id` is the nil UUID and `row_version` 0.

    >>> from framework_m import DocType
    >>> class Book(DocType):
    ...     title: str = Field(in_list=True)
    ...     class Meta:
    ...         permissions = {"read": {"Reader": "all"}, "write": {"Librarian": "all"}}
    >>> Book(title="Emma").row_version
    0
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True, arbitrary_types_allowed=False)

    id: UUID = Field(default=UNSAVED_ID)
    name: str | None = Field(default=None)
    owner: str = Field(default="")
    creation: datetime = Field(default=EPOCH)
    modified: datetime = Field(default=EPOCH)
    modified_by: str = Field(default="")
    docstatus: DocStatus = Field(default=DocStatus.DRAFT)
    row_version: int = pydantic.Field(default=0, alias="_version")
    deleted_at: datetime | None = Field(default=None)

    @classmethod
    def framework_defaults(cls) -> dict[str, Any]:
        """Return the values of the framework's fields in an unsaved document."""
        return dict(_DEFAULTS)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Yield the fields that `repr` and `str` show, sensitive ones as ***, so that logs contain no secrets."""
        for name, value in super().__repr_args__():
            info = type(self).model_fields.get(name or "") or type(self).model_computed_fields.get(name or "")
            extra = info.json_schema_extra if info else None
            yield name, "***" if isinstance(extra, dict) and extra.get("sensitive") else value


_DEFAULTS: dict[str, Any] = {name: info.default for name, info in BaseDocType.model_fields.items()}
