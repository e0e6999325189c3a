"""`FieldType`: a kind of field that a package adds, stored as parts of the framework's own kinds."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from framework_m_core.domain.fields.kinds import DECIMAL_DIGITS, STORED_KINDS, FieldKind
from framework_m_core.domain.suggestions import did_you_mean

__all__ = ["ORDERING", "FieldType", "Part", "check_field_type"]

ORDERING: Final = frozenset({"lt", "lte", "gt", "gte", "between"})
"""The operators that compare by order."""

_PART_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,19}")
_EQUALITY: Final = frozenset({"eq", "ne", "in", "not_in"})
_WHOLE: Final = frozenset({"eq", "ne"})
_ALWAYS: Final = frozenset({"is_null"})
_COMPARED: Final = STORED_KINDS - {FieldKind.JSON, FieldKind.BYTES}
_ORDERED: Final = _COMPARED - {FieldKind.BOOLEAN, FieldKind.UUID}


@dataclass(frozen=True, slots=True)
class Part:
    """One stored part of a value; the only part of a value may be unnamed. `scale` is that of a decimal."""

    name: str
    kind: FieldKind
    scale: int | None = None


class FieldType[V](ABC):
    """How values of one Python class are stored, sent, received and described.

    The class must be immutable and comparable, and known to pydantic, such as a frozen dataclass. Attributes annotated
    with a port are set before the process serves.

    - `name`: shown in metadata; the name of the entry point in `framework_m.field_types`.
    - `python_type`: the class of the values, by which annotations name the field type.
    - `parts`: what is stored: a column each, named `<field>` for an unnamed part, else `<field>__<part>`.
    - `operators`: filter operators besides `is_null`: `eq` and `ne`, with one part also `in` and `not_in`, and with
      `sortable` also `lt`, `lte`, `gt`, `gte` and `between`.
    - `sortable`: values compare by `<`, and the only part is ordered as they are.
    - `widget`: what user interfaces should show it by, if they know it.
    """

    name: ClassVar[str]
    python_type: ClassVar[type[Any]]
    parts: ClassVar[tuple[Part, ...]]
    operators: ClassVar[Collection[str]] = ()
    sortable: ClassVar[bool] = False
    widget: ClassVar[str | None] = None

    @abstractmethod
    def json_schema(self) -> Mapping[str, Any]:
        """Return the JSON Schema of values in JSON, with an example under `examples`."""

    @abstractmethod
    def to_parts(self, value: V) -> tuple[Any, ...]:
        """Return the stored parts of a value, none of them None."""

    @abstractmethod
    def from_parts(self, parts: tuple[Any, ...]) -> V:
        """Return the value of stored parts."""

    @abstractmethod
    def to_json(self, value: V) -> Any:
        """Return a value as JSON: text, numbers, booleans, lists and dictionaries of them."""

    @abstractmethod
    def from_json(self, raw: Any) -> V:
        """Return the value of decoded JSON, whose fractions are Decimals. Raises ValueError stating what was expected.

        A value of the Python class itself is returned unchanged.
        """

    def __repr__(self) -> str:
        """Describe how values are stored; changes with it, so that stores notice."""
        scales = ["" if part.scale is None else f"({part.scale})" for part in self.parts]
        stored = [f"{part.name}: {part.kind}{scale}" for part, scale in zip(self.parts, scales, strict=True)]
        return f"<field type {self.name} ({', '.join(stored)})>"


def check_field_type(field_type: FieldType[Any]) -> Iterator[str]:
    """Yield an error for each part of a declaration that cannot work."""
    for attribute in ("name", "python_type", "parts"):
        if not getattr(field_type, attribute, None):
            yield f"{attribute} is not set"
            return
    name: object = field_type.name
    python_type: object = field_type.python_type
    if not isinstance(name, str):
        yield f"name: expected text, got {name!r}"
    if not isinstance(python_type, type):
        yield f"python_type: expected a class, got {python_type!r}"
    elif getattr(python_type, "__hash__", None) is None:
        yield f"expected an immutable class, such as a @dataclass(frozen=True), got {python_type.__name__}"
    yield from _check_parts(field_type.parts)
    yield from _check_operators(field_type)


def _check_parts(parts: tuple[Part, ...]) -> Iterator[str]:
    names = [part.name for part in parts]
    if len(set(names)) < len(names):
        yield f"two parts have the same name: {', '.join(names)}"
    for part in parts:
        if part.kind not in STORED_KINDS:
            yield f"part {part.name!r} has the kind {part.kind}: expected one of {', '.join(sorted(STORED_KINDS))}"
        if (part.name or len(parts) > 1) and not _PART_NAME.fullmatch(part.name):
            yield f"part {part.name!r}: expected a name in lower case of at most 20 characters"
        if part.kind is FieldKind.DECIMAL and not (part.scale is not None and 0 <= part.scale < DECIMAL_DIGITS):
            yield f"part {part.name!r}: expected a scale for a decimal, such as scale=2"


def _check_operators(field_type: FieldType[Any]) -> Iterator[str]:
    kinds = {part.kind for part in field_type.parts}
    single = len(field_type.parts) == 1
    sortable = field_type.sortable and single and kinds <= _ORDERED
    if field_type.sortable and not sortable:
        yield f"sortable=True: expected one part of an ordered kind ({', '.join(sorted(_ORDERED))})"
    allowed = _ALWAYS
    if kinds <= _COMPARED:
        allowed |= _EQUALITY if single else _WHOLE
    if sortable:
        allowed |= ORDERING
    for operator in sorted({*field_type.operators} - allowed):
        meant = did_you_mean(operator, allowed)
        known = ", ".join(sorted(allowed))
        yield f"its parts do not support the operator {operator!r}: expected some of {known}{meant}"
