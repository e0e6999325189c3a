"""Settings in tables: what a section's model has at a path of keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, MutableMapping
from types import UnionType
from typing import Annotated, Any, TypeAliasType, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

__all__ = [
    "ANY_KEY",
    "FORMER_NAME",
    "KeyPath",
    "field_of",
    "find_field",
    "find_leaf_fields",
    "find_leaf_values",
    "find_named_fields",
    "format_path",
    "has_secret",
    "is_list",
    "is_table",
    "key_of",
    "to_tables",
    "variable_of",
]

type KeyPath = tuple[str, ...]

ANY_KEY = "<name>"
"""Stands for the keys that an app chooses, such as the names of providers."""

FORMER_NAME = "former_name"
"""The key in `json_schema_extra` with the name that a settings field had before."""

_BARE_KEY = re.compile("[A-Za-z0-9_-]+")
_ANYTHING: Any = Any
_LISTS = {list, tuple, set, frozenset}
_MAPPINGS = {dict, Mapping, MutableMapping}


def format_path(path: KeyPath) -> str:
    """Return a path as `m config` writes it, and TOML reads it.

    >>> format_path(("google", "client_id"))
    'google.client_id'
    """
    return ".".join(key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False) for key in path)


def variable_of(section: str, path: KeyPath) -> str:
    """Return the environment variable of a setting.

    >>> variable_of("auth", ("google", "client_id"))
    'M_AUTH__GOOGLE__CLIENT_ID'
    """
    return "__".join((f"M_{section}", *path)).upper()


def key_of(name: str, info: FieldInfo) -> str:
    """Return the key of a model's field: its alias, if it has one."""
    return info.validation_alias if isinstance(info.validation_alias, str) else name


def find_named_fields(annotation: Any) -> dict[str, FieldInfo]:
    """Return the fields of a table's model, or of the models of a union, by key."""
    return {
        key_of(name, info): info
        for part in _parts(annotation)
        if _is_model(part)
        for name, info in part.model_fields.items()
    }


def field_of(annotation: Any, key: str) -> FieldInfo | None:
    """Return the field of a key in a table, or None if the table has no such key."""
    if key in (fields := find_named_fields(annotation)):
        return fields[key]
    return next((info for part in _parts(annotation) if (info := _open_field(part)) is not None), None)


def find_field(model: type[BaseModel], path: KeyPath) -> FieldInfo | None:
    """Return the field at a path, or None if there is none."""
    annotation: Any = model
    info = None
    for key in path:
        info = field_of(annotation, key)
        if info is None:
            return None
        annotation = info.annotation
    return info


def is_table(annotation: Any) -> bool:
    """Return whether a setting may be a table."""
    return any(_is_model(part) or _open_field(part) is not None for part in _parts(annotation))


def is_list(annotation: Any) -> bool:
    """Return whether a setting may be a list, whose items a text separates by commas."""
    return any(get_origin(part) in _LISTS or part in _LISTS for part in _parts(annotation))


def has_secret(annotation: Any) -> bool:
    """Return whether a setting, or an item of it, is secret."""
    parts = {part for outer in _parts(annotation) for part in (outer, *get_args(outer))}
    return any(isinstance(part, type) and issubclass(part, SecretStr | SecretBytes) for part in parts)


def find_leaf_fields(
    annotation: Any, path: KeyPath = (), within: tuple[type, ...] = ()
) -> Iterator[tuple[KeyPath, FieldInfo]]:
    """Yield the settings of a model below its tables. A model that contains itself is entered once."""
    fields: dict[str, FieldInfo] = dict(find_named_fields(annotation))
    for part in _parts(annotation):
        if (info := _open_field(part)) is not None and find_named_fields(info.annotation):
            fields.setdefault(ANY_KEY, info)
    for key, info in fields.items():
        below = _models_below(info.annotation)
        if not below:
            yield (*path, key), info
        elif not {*below} <= {*within}:
            entered = (*within, *(part for part in _parts(info.annotation) if _is_model(part)))
            yield from find_leaf_fields(info.annotation, (*path, key), entered)


def find_leaf_values(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the values in models and tables that are none themselves; an empty table is one."""
    for key, below in _items(value):
        nested = [*find_leaf_values(below, (*path, key))]
        yield from nested or [((*path, key), below)]


def to_tables(value: Any) -> Any:
    """Return a value with each model in it as a table."""
    if isinstance(value, BaseModel | dict):
        return {key: to_tables(below) for key, below in _items(value)}
    return value


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        for name, below in value:
            yield (key_of(name, fields[name]) if name in fields else name), below
    elif isinstance(value, dict):
        for key, below in value.items():
            yield str(key), below


def _models_below(annotation: Any) -> list[type]:
    """Return the models of a field, and those of the values of a table with free keys."""
    found = [part for part in _parts(annotation) if _is_model(part)]
    for part in _parts(annotation):
        if not _is_model(part) and (info := _open_field(part)) is not None and info.annotation is not Any:
            found += _models_below(info.annotation)
    return found


def _open_field(part: Any) -> FieldInfo | None:
    """Return the field of a key that is not named, if the type takes any key."""
    if _is_model(part):
        return FieldInfo.from_annotation(_ANYTHING) if part.model_config.get("extra") == "allow" else None
    if part is Any or part in _MAPPINGS:
        return FieldInfo.from_annotation(_ANYTHING)
    return FieldInfo.from_annotation(get_args(part)[1]) if get_origin(part) in _MAPPINGS else None


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)


def _parts(annotation: Any) -> tuple[Any, ...]:
    """Return the types of a union, or else the type itself."""
    if isinstance(annotation, TypeAliasType):
        return _parts(annotation.__value__)
    if get_origin(annotation) is Annotated:
        return _parts(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        return tuple(part for one in get_args(annotation) for part in _parts(one))
    return (annotation,)
