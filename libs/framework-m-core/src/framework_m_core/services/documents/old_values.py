"""Old values: what is stored may be what its field no longer accepts, and stays until it is changed.

A document that does not validate is validated again by classes that let a stored value pass where a choice, a bound or
a length refuses it, in the document and in its rows. Validators of apps run all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import new_class
from typing import Annotated, Any, Final

import pydantic
from pydantic import BaseModel, TypeAdapter, ValidationInfo, WrapValidator
from pydantic.fields import FieldInfo

from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.fields.json_form import is_same_json
from framework_m_core.domain.hash_keys import HashKey, hash_key
from framework_m_core.registry.compiled import CompiledChildTable, CompiledDocType
from framework_m_core.registry.derived import Derived

__all__ = ["find_stored_rows", "is_stored", "to_plain_value", "validate_beside"]

type _Rows = Mapping[HashKey, Mapping[str, Any]]
"""The values of rows by their ids."""

_OF_APPS: Final = frozenset({"value_error", "assertion_error"})
"""Error types of apps' validators. What these refuse stays refused, since they may compare several fields."""

_STORED: Final = "framework_m_stored"
"""The key of the stored values in the context of pydantic's validation."""


def validate_beside(plan: CompiledDocType, values: Mapping[str, Any], stored: Mapping[str, Any]) -> BaseModel:
    """Build a document from values by attribute name; those that equal the stored ones need not be valid.

    Raises pydantic's ValidationError.
    """
    rows = {name: find_stored_rows(stored, name) for name in plan.children}
    document: BaseModel = _LENIENT.of(plan).model_validate(values, context={_STORED: (stored, rows)})
    for name, child in plan.children.items():
        for row in vars(document)[name]:
            object.__setattr__(row, "__class__", child.model)
    object.__setattr__(document, "__class__", plan.model)
    return document


def find_stored_rows(stored: Mapping[str, Any], field: str) -> _Rows:
    """Return the stored rows of a field by their ids."""
    return {hash_key(row["id"]): row for row in stored.get(field, ())}


def is_stored(value: Any, name: str, stored: Mapping[str, Any]) -> bool:
    """Return whether a field's value is the stored one."""
    return name in stored and is_same_json(to_plain_value(value), stored[name])


def to_plain_value(value: Any) -> Any:
    """Return a value as it is stored: that of an enum's member."""
    return value.value if isinstance(value, Enum) else value


def _lenient(plan: CompiledDocType) -> type[BaseModel]:
    """Return a subclass of the DocType's class, whose fields accept what is stored."""
    infos = plan.model.model_fields
    fields = {
        name: _field(infos[name], _AcceptValue(""))
        for name in plan.fields
        if name in infos.keys() - plan.children.keys()
    }
    for name, child in plan.children.items():
        accept = _AcceptValue(name)
        columns = {column: _field(child.model.model_fields[column], accept) for column in _given(child)}
        rows: Any = list[_subclass(child.model, columns)]  # type: ignore[misc] # the class is made here
        fields[name] = _field(infos[name], _AcceptRows(child, TypeAdapter(rows)), rows)
    return _subclass(plan.model, fields)


def _given(child: CompiledChildTable) -> list[str]:
    return [name for name, spec in child.fields.items() if not spec.computed]


_LENIENT: Final = Derived(_lenient)


def _field(info: FieldInfo, accept: _AcceptValue | _AcceptRows, annotation: Any = None) -> tuple[Any, Any]:
    """Return the annotation and the default of a field as declared, with a validator around all others."""
    default: dict[str, Any] = {"default": info.default, "default_factory": info.default_factory}
    return Annotated[annotation or info.annotation, *info.metadata, WrapValidator(accept)], Field(**default)


def _subclass(model: type[BaseModel], fields: Mapping[str, tuple[Any, Any]]) -> type[BaseModel]:
    body = {
        "__module__": model.__module__,
        "__annotations__": {name: annotation for name, (annotation, _) in fields.items()},
        **{name: default for name, (_, default) in fields.items()},
    }
    return new_class(model.__name__, (model,), {}, lambda namespace: namespace.update(body))


@dataclass(frozen=True, slots=True)
class _AcceptValue:
    """A validator around a field of the document, or of the rows of a field, that accepts its stored value."""

    rows: str

    def __call__(self, value: Any, handler: Any, info: ValidationInfo) -> Any:
        try:
            return handler(value)
        except pydantic.ValidationError as error:
            if not is_stored(value, info.field_name or "", self._stored(info)) or _is_of_app(error):
                raise
            return value

    def _stored(self, info: ValidationInfo) -> Mapping[str, Any]:
        stored, rows = _context(info)
        if not self.rows:
            return stored
        id = info.data.get("id")
        return {} if id is None else rows.get(self.rows, {}).get(hash_key(id), {})


@dataclass(frozen=True, slots=True)
class _AcceptRows:
    """A validator around a list of rows that accepts the number of those that are stored, if all are as stored."""

    child: CompiledChildTable
    each: TypeAdapter[Any]

    def __call__(self, value: Any, handler: Any, info: ValidationInfo) -> Any:
        try:
            return handler(value)
        except pydantic.ValidationError as error:
            if error.error_count() > 1 or error.errors(include_url=False)[0]["loc"] or _is_of_app(error):
                raise
            rows = self.each.validate_python(value, context=info.context)
            names = ("id", *_given(self.child))
            now = [{name: to_plain_value(vars(row)[name]) for name in names} for row in rows]
            before = _context(info)[0].get(self.child.field, ())
            if not is_same_json(now, [{name: row[name] for name in names} for row in before]):
                raise
            return rows


def _context(info: ValidationInfo) -> tuple[Mapping[str, Any], Mapping[str, _Rows]]:
    """Return the stored values of the document, and of its rows by field; none where an app validates by itself."""
    found: tuple[Mapping[str, Any], Mapping[str, _Rows]] = (info.context or {}).get(_STORED, ({}, {}))
    return found


def _is_of_app(error: pydantic.ValidationError) -> bool:
    return any(error["type"] in _OF_APPS for error in error.errors(include_url=False, include_input=False))
