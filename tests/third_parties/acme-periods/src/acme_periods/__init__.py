"""Two stages of writes: one refuses what falls into a closed accounting period, one counts what passes it."""

from __future__ import annotations

from framework_m_core.spi import FieldError, ValidationError, Write, write_stage

CLOSED_UNTIL = "2030-01-31"


@write_stage("count_writes", before="validate", operations=("create", "update", "submit", "cancel"))
async def count_writes(write: Write) -> None:
    """Stamp a document with how often it was written."""
    if hasattr(write.document, "writes"):
        write.document.writes = (write.stored.writes if write.stored else 0) + 1


@write_stage("closed_periods", after="validate")
async def refuse_closed_periods(write: Write) -> None:
    """Refuse every write of a document that lies, or would lie, in a closed period."""
    for document in (write.stored, write.document):
        day = str(getattr(document, "posted", None) or "9999")
        if day <= CLOSED_UNTIL:
            error = FieldError("posted", "closed_period", f"expected a day after {CLOSED_UNTIL}, got {day}")
            raise ValidationError(f"cannot {write.action} a {write.doctype} in a closed period", [error])
