"""Names for new documents; numbers are allocated before the transaction, so that hooks never hold a counter.

A write that joins a unit allocates in that unit, since a second connection could wait for the first forever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.naming import FieldNaming, PromptNaming, SeriesNaming
from framework_m_core.domain.errors import FieldError, OutcomeUnknownError, TransientError, ValidationError
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT
from framework_m_core.interfaces.counter import CounterProtocol
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.runtime.retry import retry

__all__ = ["NamingService"]


class NamingService:
    """The naming rules of DocTypes, applied to new documents."""

    def __init__(self, counter: CounterProtocol) -> None:
        self._counter = counter

    async def name(
        self, plan: CompiledDocType, id: UUID, given: str | None, values: Mapping[str, Any], context: RequestContext
    ) -> str:
        """Return the name of a new document; `given` is used only with `naming = "prompt"`, which requires it.

        Raises ValidationError for an unusable name.
        """
        match plan.naming:
            case PromptNaming():
                name = given
            case FieldNaming(field):
                name = values[field]
            case SeriesNaming() as series:
                now = context.clock()
                _checked(series.name(1, now, values))  # an unusable name takes no number and makes no counter
                number = await self._number(f"{plan.name}:{series.prefix(now, values)}", context)
                name = series.name(number, now, values)
            case _:
                return str(id)
        return _checked(name)

    def parts(self, plan: CompiledDocType, values: Mapping[str, Any]) -> str:
        """Return what a series takes from the values of a document; other rules take nothing that may change."""
        return plan.naming.name(1, values["creation"], values) if isinstance(plan.naming, SeriesNaming) else ""

    async def _number(self, prefix: str, context: RequestContext) -> int:
        """Allocate the next number; one whose outcome is unknown is skipped, since a series may have gaps."""
        if context.unit is not None:
            unit: UnitOfWorkProtocol = context.unit
            return await unit.allocate(prefix)
        return await retry(lambda: self._counter.allocate(context, prefix), TransientError, OutcomeUnknownError)


def _checked(name: str | None) -> str:
    if not name or not name.strip():
        raise _unusable(FieldError("name", "required"))
    if "/" in name or len(name) > MAX_INDEXED_TEXT:
        raise _unusable(FieldError("name", "bad_name", params={"max_length": MAX_INDEXED_TEXT}))
    if _is_uuid(name):
        raise _unusable(FieldError("name", "bad_name"))
    return name


def _unusable(error: FieldError) -> ValidationError:
    return ValidationError("the name of the document is not valid", [error])


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
