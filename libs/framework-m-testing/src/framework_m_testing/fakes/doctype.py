"""`FakeDocType`: a concrete document class that depends on core alone, as an MX package would provide its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from framework_m_core.domain.documents.doctype import EPOCH, UNSAVED_ID, DocStatus, Submittable

__all__ = ["FakeDocType"]


class FakeDocType(BaseModel, Submittable):
    """Implements `BaseDocTypeProtocol`: what the DocTypes of contracts and of core's tests derive from."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    id: UUID = UNSAVED_ID
    name: str | None = None
    owner: str = ""
    creation: datetime = EPOCH
    modified: datetime = EPOCH
    modified_by: str = ""
    docstatus: DocStatus = DocStatus.DRAFT
    row_version: int = Field(default=0, alias="_version")
    deleted_at: datetime | None = None

    @classmethod
    def framework_defaults(cls) -> dict[str, Any]:
        """Return the values of the framework's fields before a document is stored."""
        return {name: info.default for name, info in FakeDocType.model_fields.items()}
