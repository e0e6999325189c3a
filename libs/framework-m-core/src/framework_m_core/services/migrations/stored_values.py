"""Stored values that a field no longer accepts: a choice that is gone, a narrower bound, length or pattern, or none.

Each store finds the values of a `Refusal` in its own language; which there are, and what is said of them, is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Annotated, Any, Final, Literal

import pydantic
from pydantic import TypeAdapter

from framework_m_core.domain.context import RegistryView
from framework_m_core.domain.documents.names import find_hidden_character, normalize_name
from framework_m_core.domain.documents.naming import IdNaming
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.fields.computed import find_info
from framework_m_core.domain.fields.constraints import split_constraints
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT
from framework_m_core.registry.compiled import BUILT_IN_APP, CompiledChildTable, CompiledDocType

__all__ = [
    "Refusal",
    "RefusedValues",
    "StoredFields",
    "advise_on_unfit_values",
    "format_odd_names",
    "is_odd_name",
    "list_stored_fields",
    "refuse_unfit_values",
]

type _Comparing = Literal["is_null", "not_in", "longer", "shorter", "lt", "lte", "gt", "gte", "fails"]

_BOUNDS: Final[tuple[tuple[str, _Comparing, str], ...]] = (
    ("gt", "lte", "more than"), ("ge", "lt", "at least"), ("lt", "gte", "less than"), ("le", "gt", "at most"),
)  # fmt: skip
"""Constraints, the comparison of those that do not meet them, and words for them."""

_NO_BOUND: Final = (None, inf, -inf)
"""Values of constraints that refuse no stored number, as all are finite; SQL has no literal for infinity."""

_CHECKED: Final = (("pattern", "that does not match"), ("multiple_of", "that is not a multiple of"))
"""Constraints that databases know differently, and words for those that do not meet them."""

_BOUNDED: Final = frozenset({FieldKind.INTEGER, FieldKind.FLOAT, FieldKind.DECIMAL, FieldKind.DATE, FieldKind.DATETIME})
_MAX_NAMED: Final = 3
_PATCH: Final = 'change them by a patch, m migrate create "…" --patch'


@dataclass(frozen=True, slots=True)
class Refusal:
    """The stored values, other than null, for which the comparison with `value` is true; `is_null` is for null.

    `longer` and `shorter` compare the number of characters; `fails` is asked of each value, in Python.
    """

    comparing: _Comparing
    value: Any
    reason: str

    def is_failed_by(self, stored: Any) -> bool:
        """Return whether a value does not pass the check of a refusal by `fails`."""
        check: TypeAdapter[Any] = self.value
        try:
            check.validate_python(stored)
        except pydantic.ValidationError:
            return True
        return False


@dataclass(slots=True)
class RefusedValues:
    """The number of refused values, and the first names of the documents that hold them."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, count: int, names: Iterable[str]) -> None:
        """Count more values, with the names of some of their documents, the first ones included."""
        self.count += count
        self.names = sorted({*self.names, *names})[:_MAX_NAMED]


@dataclass(frozen=True, slots=True)
class StoredFields:
    """The fields of a DocType's documents, or of the rows of one of its child tables."""

    plan: CompiledDocType
    child: CompiledChildTable | None = None

    @property
    def specs(self) -> Iterable[FieldSpec]:
        """The fields that are stored by themselves."""
        return [spec for spec in (self.child or self.plan).fields.values() if spec.is_scalar]

    @property
    def has_names(self) -> bool:
        """True for documents whose names are not their ids."""
        return self.child is None and not isinstance(self.plan.naming, IdNaming)

    def list_refusals(self, spec: FieldSpec) -> Iterator[Refusal]:
        """Yield what a field refuses; of one of several columns, what its first holds."""
        name = spec.name
        annotation, constraints = split_constraints(find_info((self.child or self.plan).model, name))
        if spec.required and not spec.nullable:
            yield Refusal("is_null", None, f"no {name}, which is required")
        if spec.field_type is not None or spec.kind is FieldKind.JSON:
            return
        if choices := spec.choices or tuple(member.value for member in spec.enum or ()):
            yield Refusal("not_in", choices, f"a {name} that is none of {', '.join(map(str, choices))}")
        if spec.kind is FieldKind.TEXT:
            yield from self._of_length(name, constraints)
        if spec.kind in _BOUNDED:
            for constraint, comparing, words in _BOUNDS:
                for bound in _stated(constraints, constraint):
                    yield Refusal(comparing, bound, f"a {name} that is not {words} {bound}")
        yield from _list_checks(name, annotation, constraints)

    def _of_length(self, name: str, constraints: list[Any]) -> Iterator[Refusal]:
        maxima, minima = _stated(constraints, "max_length"), _stated(constraints, "min_length")
        if name in (self.child or self.plan).indexed_text:
            maxima.append(MAX_INDEXED_TEXT)
        if maxima:
            yield Refusal("longer", min(maxima), f"a {name} of more than {min(maxima)} characters")
        if minima:
            yield Refusal("shorter", max(minima), f"a {name} of less than {max(minima)} characters")

    def format_line(self, refusal: Refusal, found: RefusedValues) -> str:
        """Return the line that counts what was found of a refusal."""
        one = found.count == 1
        noun = ("document" if self.child is None else "row") + ("" if one else "s")
        place = self.plan.name if self.child is None else f"{self.plan.name}.{self.child.field}"
        verb = "holds" if one else "hold"
        return f"{found.count} {noun} of {place} {verb} {refusal.reason}, such as in {', '.join(found.names)}"


def list_stored_fields(registry: RegistryView) -> Iterator[StoredFields]:
    """Yield the stored fields of the DocTypes of apps: those of documents, then those of their rows."""
    for plan in registry.doctypes.values():
        if plan.app != BUILT_IN_APP:
            yield StoredFields(plan)
            for child in plan.children.values():
                yield StoredFields(plan, child)


def is_odd_name(name: str) -> bool:
    """Return whether a stored name is not in the form of names, so that no path or filter finds it."""
    return normalize_name(name) != name or find_hidden_character(name) is not None


def format_odd_names(doctype: str, names: Sequence[str]) -> str:
    """Return the line for the odd names of live documents."""
    noun, verb = ("document", "has") if len(names) == 1 else ("documents", "have")
    shown = ", ".join(map(ascii, sorted(names)[:_MAX_NAMED]))
    return f"{len(names)} {noun} of {doctype} {verb} a name with blanks around it, hidden or uncomposed text: {shown}"


def refuse_unfit_values(lines: Sequence[str]) -> None:
    """Raise ConfigurationError for lines about refused values where no revision could be written."""
    if lines:
        raise ConfigurationError(f"nothing differs, but the DocTypes refuse stored values; {_PATCH}:", lines)


def advise_on_unfit_values(lines: Iterable[str]) -> Iterator[str]:
    """Yield what to do about each line about values that a new revision refuses."""
    return (f"{line}, which it refuses: {_PATCH}" for line in lines)


def _stated(constraints: list[Any], name: str) -> list[Any]:
    return [value for one in constraints if (value := getattr(one, name, None)) not in _NO_BOUND]


def _list_checks(name: str, annotation: Any, constraints: list[Any]) -> Iterator[Refusal]:
    for constraint, words in _CHECKED:
        for known in constraints:
            if (stated := getattr(known, constraint, None)) is not None:
                checked: Any = Annotated[annotation, known]
                yield Refusal("fails", TypeAdapter(checked), f"a {name} {words} {stated}")
