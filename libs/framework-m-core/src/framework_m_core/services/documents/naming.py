"""Names for new documents; numbers are allocated before the transaction, so that hooks never hold a counter.

A write that joins a unit allocates in that unit, since a second connection could wait for the first forever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.names import find_hidden_character, is_uuid, normalize_name
from framework_m_core.domain.documents.naming import FieldNaming, NamingRule, PromptNaming, SeriesNaming
from framework_m_core.domain.errors import FieldError, OutcomeUnknownError, TransientError, ValidationError
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT
from framework_m_core.interfaces.counter import CounterProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.runtime.retry import retry

__all__ = ["NamingService", "check_name", "follow_field", "normalize_naming_field", "refuse_empty_parts"]

_RELATIVE: Final = frozenset({".", ".."})
"""Segments that browsers and proxies take out of paths."""


class NamingService:
    """The naming rules of DocTypes, applied to new documents."""

    def __init__(self, counter: CounterProtocol) -> None:
        self._counter = counter

    async def make_name(
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
                check_name(series.format_name(1, now, values))  # an unusable name takes no number and makes no counter
                number = await self._number(f"{plan.name}:{series.format_prefix(now, values)}", context)
                name = series.format_name(number, now, values)
            case _:
                return str(id)
        return check_name(name)

    def read_parts(self, plan: CompiledDocType, values: Mapping[str, Any]) -> str:
        """Return what the rule takes from the values of a document, as far as hooks may change it."""
        match plan.naming:
            case SeriesNaming() as series:
                return series.format_name(1, values["creation"], values)
            case FieldNaming(field):
                return str(values[field])
        return ""

    async def _number(self, prefix: str, context: RequestContext) -> int:
        """Allocate the next number; one whose outcome is unknown is skipped, since a series may have gaps."""
        if context.unit is not None:
            return await context.unit.allocate(prefix)
        return await retry(lambda: self._counter.allocate(context, prefix), TransientError, OutcomeUnknownError)


def refuse_empty_parts(rule: NamingRule, values: Mapping[str, Any], unless: Callable[[], bool] = lambda: False) -> None:
    """Raise ValidationError for fields without a value that are part of the name, `unless` they get one later."""
    empty = rule.find_empty(values) if isinstance(rule, SeriesNaming) else ()
    if empty and not unless():
        raise ValidationError("a part of the name is empty", [FieldError(field, "required") for field in empty])


def normalize_naming_field(naming: FieldNaming, values: dict[str, Any]) -> None:
    """Bring the field that a document is named by into the form of names, which is what its constraints are about."""
    if isinstance(given := values.get(naming.field), str):
        values[naming.field] = normalize_name(given)


def follow_field(plan: CompiledDocType, stored: Mapping[str, Any], document: BaseModel) -> None:
    """Let the name of a changed document follow the field that it is of, which else only a renaming changes.

    Raises ValidationError for the change of such a field without `Meta.rename_with_field`, and for an unusable name.
    """
    if not isinstance(plan.naming, FieldNaming):
        return
    values, field = vars(document), plan.naming.field
    is_renaming = values["name"] not in (stored["name"], stored[field])
    if not is_renaming and values[field] == normalize_name(stored[field]):
        values[field] = stored[field]  # from before names had one form; a renaming gives it that
    if values[field] != stored[field]:
        values[field] = check_name(values[field])
    if is_renaming and values["name"] == values[field]:
        return
    if values[field] == stored[field] and not is_renaming:
        values["name"] = stored["name"]
    elif plan.meta.rename_with_field:
        values["name"] = values[field]
    else:
        raise ValidationError("the name of the document cannot change", [FieldError(field, "names_document")])


def check_name(text: str | None) -> str:
    """Return a name in its stored form. Raises ValidationError for one that no document can have."""
    name = normalize_name(text or "")
    if not name:
        raise _invalid_name(FieldError("name", "required"))
    if name in _RELATIVE:
        raise _invalid_name(FieldError("name", "bad_name", params={"reserved": name}))
    if character := find_hidden_character(name):
        raise _invalid_name(FieldError("name", "bad_name", params={"character": character}))
    if "/" in name or len(name) > MAX_INDEXED_TEXT:
        raise _invalid_name(FieldError("name", "bad_name", params={"max_length": MAX_INDEXED_TEXT}))
    if is_uuid(name):
        raise _invalid_name(FieldError("name", "bad_name"))
    return name


def _invalid_name(error: FieldError) -> ValidationError:
    return ValidationError("the name of the document is not valid", [error])
