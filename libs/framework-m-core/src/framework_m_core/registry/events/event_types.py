"""`EventType`: a declared event type of an app, with how its payload is stored and read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from framework_m_core.controllers.event_type import EventTypeMark, event_type_mark
from framework_m_core.domain.events import is_event_type
from framework_m_core.domain.suggestions import did_you_mean

__all__ = ["EventType", "Problem", "compile_event_types", "payload_data"]

type Problem = Callable[[Any, str], None]
"""Records an error of a declaration."""


@dataclass(frozen=True, slots=True)
class EventType:
    """An event type of an app: its name, payload model, the DocType in its topic, and the field that is its key."""

    name: str
    model: type[BaseModel]
    app: str
    doctype: str = ""
    key: str | None = None


def payload_data(payload: BaseModel) -> dict[str, Any]:
    """Return a payload as JSON values, without sensitive fields, those of nested models included."""
    return _shown(payload, payload.model_dump(mode="json", by_alias=False))  # type: ignore[no-any-return]


def _shown(value: Any, dumped: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields.items()
        return {name: _shown(getattr(value, name), dumped[name]) for name, info in fields if not _is_sensitive(info)}
    if isinstance(value, list | tuple | set | frozenset):
        return [_shown(one, encoded) for one, encoded in zip(value, dumped, strict=True)]
    if isinstance(value, Mapping):
        return {name: _shown(one, encoded) for one, (name, encoded) in zip(value.values(), dumped.items(), strict=True)}
    return dumped


def _is_sensitive(info: FieldInfo) -> bool:
    return isinstance(info.json_schema_extra, dict) and bool(info.json_schema_extra.get("sensitive"))


def compile_event_types(
    declared: Iterable[tuple[type[BaseModel], str]], doctypes: Mapping[str, Any], problem: Problem
) -> dict[str, EventType]:
    """Return the declared event types by name; faulty ones are recorded as problems and left out."""
    found: dict[str, EventType] = {}
    for model, app in declared:
        mark = event_type_mark(model)
        if mark is None:
            problem(model, "expected an event type: decorate the class with @event_type")
            continue
        faults = list(_faults(model, mark, app, doctypes))
        if mark.name in found and found[mark.name].model is not model:
            faults.append(f"the event type {mark.name!r} is declared by {found[mark.name].model.__qualname__} too")
        for fault in faults:
            problem(model, fault)
        if not faults:
            found[mark.name] = EventType(mark.name, model, app, mark.doctype or "", mark.key)
    return found


def _faults(model: Any, mark: EventTypeMark, app: str, doctypes: Mapping[str, Any]) -> Iterator[str]:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield "@event_type expects the pydantic model of a payload"
        return
    prefix = app.lower().replace("-", "_")
    if not is_event_type(mark.name) or mark.name.partition(".")[0] != prefix:
        yield f"an event type of this app is named '{prefix}.<past tense>' in lower case, not {mark.name!r}"
    if mark.doctype is not None and mark.doctype not in doctypes:
        yield f"doctype={mark.doctype!r} is not a DocType{did_you_mean(mark.doctype, doctypes)}"
    if mark.key is not None and (mark.key not in model.model_fields or _is_sensitive(model.model_fields[mark.key])):
        yield f"key={mark.key!r} is not a stored field{did_you_mean(mark.key, model.model_fields)}"
    for part in _models(model, set()):
        for name, info in part.model_fields.items():
            if _is_sensitive(info) and info.is_required():
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
