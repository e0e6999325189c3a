"""Fields that are set once: a stored value that is not empty stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.domain.fields.json_form import is_same_json
from framework_m_core.domain.hash_keys import hash_key
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["refuse_set_again"]

_CODE: Final = "set_once"
_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_NOTHING: Final[Mapping[str, Any]] = {}


def refuse_set_again(
    context: RequestContext,
    plan: CompiledDocType,
    stored: Mapping[str, Any],
    changed: Mapping[str, Any],
    body: Mapping[str, Any] = _NOTHING,
    readable: frozenset[str] = frozenset(),
) -> None:
    """Raise ValidationError for a field that is set once and differs from its stored value, unless that is waived.

    What `body` sets without its being in `readable` is refused even if it is equal, which would confirm a guess.
    """
    if _CODE in context.waived:
        return
    hidden = {name for name in body if name not in readable}
    errors = [*_find_changed("", plan.set_once.get("", ()), stored, changed, hidden)]
    for field in plan.set_once.keys() - {""}:
        known = {hash_key(row["id"]): row for row in stored[field]}
        for place, row in enumerate(changed[field]):
            unseen = _hidden_columns(field, place, body, readable)
            before = known.get(hash_key(row["id"]), _NOTHING)
            errors += _find_changed(f"{field}.{place}.", plan.set_once[field], before, row, unseen)
    if errors:
        raise ValidationError("a field is already set", errors)


def _hidden_columns(field: str, place: int, body: Mapping[str, Any], readable: frozenset[str]) -> set[str]:
    given = body[field][place] if field in body else _NOTHING
    return {name for name in given if f"{field}.{name}" not in readable}


def _find_changed(
    at: str, names: tuple[str, ...], stored: Mapping[str, Any], changed: Mapping[str, Any], hidden: set[str]
) -> Iterator[FieldError]:
    for name in names:
        old = stored.get(name)
        if old not in _EMPTY and (name in hidden or old != changed[name] or not is_same_json(old, changed[name])):
            yield FieldError(at + name, _CODE)
