"""Checks models marked with `@event_type`, and compiles them into event types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from framework_m_core.controllers.declaration import declaration_of
from framework_m_core.controllers.event_type import EventTypeMark
from framework_m_core.domain.events import is_event_type
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.compilation.errors import ReportError
from framework_m_core.registry.event_types import EventType, is_sensitive

__all__ = ["compile_event_types"]


def compile_event_types(
    declared: Iterable[tuple[type[BaseModel], str]], doctypes: Mapping[str, Any], report_error: ReportError
) -> dict[str, EventType]:
    """Return the declared event types by name; invalid ones are recorded as errors and left out."""
    found: dict[str, EventType] = {}
    for model, app in declared:
        mark = declaration_of(model, EventTypeMark)
        if mark is None:
            report_error(model, "expected an event type: decorate the class with @event_type")
            continue
        errors = list(_find_errors(model, mark, app, doctypes))
        if mark.name in found and found[mark.name].model is not model:
            errors.append(f"the event type {mark.name!r} is declared by {found[mark.name].model.__qualname__} too")
        for error in errors:
            report_error(model, error)
        if not errors:
            found[mark.name] = EventType(mark.name, model, app, mark.doctype or "", mark.key)
    return found


def _find_errors(model: Any, mark: EventTypeMark, app: str, doctypes: Mapping[str, Any]) -> Iterator[str]:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield "@event_type expects the pydantic model of a payload"
        return
    prefix = app.lower().replace("-", "_")
    if not is_event_type(mark.name) or mark.name.partition(".")[0] != prefix:
        yield f"an event type of this app is named '{prefix}.<past tense>' in lower case, not {mark.name!r}"
    if mark.doctype is not None and mark.doctype not in doctypes:
        yield f"doctype={mark.doctype!r} is not a DocType{did_you_mean(mark.doctype, doctypes)}"
    if mark.key is not None and (mark.key not in model.model_fields or is_sensitive(model.model_fields[mark.key])):
        yield f"key={mark.key!r} is not a stored field{did_you_mean(mark.key, model.model_fields)}"
    for part in _models(model, set()):
        for name, info in part.model_fields.items():
            if is_sensitive(info) and info.is_required():
                yield f"{part.__name__}.{name} is sensitive, so it is not stored: give it a default"
            if info.alias or info.validation_alias or info.serialization_alias:
                yield f"{part.__name__}.{name}: aliases are not supported: rename the field instead"


def _models(annotation: Any, seen: set[Any]) -> Iterator[type[BaseModel]]:
    """Yield the models in an annotation and in their fields."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and annotation not in seen:
        seen.add(annotation)
        yield annotation
        for info in annotation.model_fields.values():
            yield from _models(info.annotation, seen)
    for part in get_args(annotation):
        yield from _models(part, seen)
