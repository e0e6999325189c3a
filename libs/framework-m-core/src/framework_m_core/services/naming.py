"""Names for new documents, numbers allocated before the transaction so that hooks never hold a counter.

A write that joins a unit takes its number in it: a second connection might wait for the first for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from framework_m_core.domain.errors import FieldProblem, ValidationError
from framework_m_core.domain.naming import FieldNaming, PromptNaming, SeriesNaming
from framework_m_core.domain.scope import RequestScope
from framework_m_core.domain.values import MAX_INDEXED_TEXT
from framework_m_core.interfaces.counter import CounterProtocol
from framework_m_core.registry.plans import DocTypePlan

__all__ = ["NamingService"]


class NamingService:
    """Applies a DocType's naming rule."""

    def __init__(self, counter: CounterProtocol) -> None:
        self._counter = counter

    async def name(
        self, plan: DocTypePlan, id: UUID, given: str | None, values: Mapping[str, Any], scope: RequestScope
    ) -> str:
        """The name of a new document; `given` counts under `naming = "prompt"` alone, where it is required."""
        match plan.naming:
            case PromptNaming():
                name = given
            case FieldNaming(field):
                name = values[field]
            case SeriesNaming() as series:
                now = scope.clock()
                prefix = series.prefix(now, values)
                counter: CounterProtocol = self._counter if scope.unit is None else scope.unit
                number = await counter.allocate(f"{plan.name}:{prefix}")
                name = series.name(number, now, values)
            case _:
                return str(id)
        return _checked(name)


def _checked(name: str | None) -> str:
    if not name or not name.strip():
        raise _unusable("required", "a name is expected")
    problem = None
    if "/" in name or len(name) > MAX_INDEXED_TEXT:
        problem = ("bad_name", f"a name of at most {MAX_INDEXED_TEXT} characters without '/' is expected")
    elif _is_uuid(name):
        problem = ("bad_name", "a name that is not a UUID is expected, because a UUID in a path is an id")
    if problem:
        raise _unusable(*problem)
    return name


def _unusable(code: str, message: str) -> ValidationError:
    return ValidationError("the document has no usable name", [FieldProblem("name", code, message)])


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
