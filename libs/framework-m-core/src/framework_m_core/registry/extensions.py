"""`Extensions`: the field types, actions and `ext` namespaces that packages add to what DocTypes can say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from framework_m_core.domain.documents.actions import KERNEL_ACTIONS, Action, check_action
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.ext import ExtNamespace
from framework_m_core.domain.fields.field_type import FieldType, check_field_type
from framework_m_core.domain.fields.json_form import JsonEncoders
from framework_m_core.domain.fields.spec import is_built_in

__all__ = ["Extensions"]


@dataclass(frozen=True)
class Extensions:
    """What packages add; the framework's own kinds and actions are always there.

    Raises ConfigurationError listing every declaration that is invalid or made twice.
    """

    field_types: tuple[FieldType[Any], ...] = ()
    added_actions: tuple[Action, ...] = ()
    namespaces: tuple[ExtNamespace, ...] = ()

    def __post_init__(self) -> None:
        """Check all declarations."""
        if errors := [*self._find_errors()]:
            raise ConfigurationError("the extensions of packages are not valid:", errors)

    @cached_property
    def actions(self) -> Mapping[str, Action]:
        """All actions by name, the framework's first."""
        return {action.name: action for action in (*KERNEL_ACTIONS, *self.added_actions)}

    @cached_property
    def types(self) -> Mapping[type, FieldType[Any]]:
        """The field types by the Python class of their values."""
        return {field_type.python_type: field_type for field_type in self.field_types}

    @cached_property
    def json_encoders(self) -> JsonEncoders:
        """The functions that make JSON of the values of field types."""
        return {field_type.python_type: field_type.to_json for field_type in self.field_types}

    @cached_property
    def doctype_models(self) -> Mapping[str, type[BaseModel] | None]:
        """The models of `Meta.ext` by namespace."""
        return {namespace.name: namespace.doctype for namespace in self.namespaces}

    @cached_property
    def field_models(self) -> Mapping[str, type[BaseModel] | None]:
        """The models of a field's `ext` by namespace."""
        return {namespace.name: namespace.field for namespace in self.namespaces}

    def _find_errors(self) -> Iterator[str]:
        sound: list[FieldType[Any]] = []
        for field_type in self.field_types:
            errors = [*_errors(field_type)]
            if not errors:
                sound.append(field_type)
            for error in errors:
                yield f"field type {(getattr(field_type, 'name', None) or type(field_type).__name__)!r}: {error}"
        for action in self.added_actions:
            for text in check_action(action):
                yield f"action {text}"
        for namespace in self.namespaces:
            if namespace.doctype is None and namespace.field is None:
                yield f"ext namespace {namespace.name!r}: expected a model for DocTypes or for fields, got neither"
        yield from self._taken_twice(sound)

    def _taken_twice(self, sound: Sequence[FieldType[Any]]) -> Iterator[str]:
        for what, names in (
            ("field type", [field_type.name for field_type in sound]),
            ("class of a field type", [field_type.python_type.__name__ for field_type in sound]),
            ("action", [action.name for action in self.added_actions]),
            ("ext namespace", [namespace.name for namespace in self.namespaces]),
        ):
            for name, times in Counter(names).items():
                if times > 1:
                    yield f"the {what} {name!r} is declared {times} times: uninstall all but one package"


def _errors(field_type: FieldType[Any]) -> Iterator[str]:
    """Yield an error for each part of a declaration that cannot work."""
    yield from check_field_type(field_type)
    if is_built_in(getattr(field_type, "python_type", None)):
        yield f"{field_type.python_type.__name__} is a built-in type"
