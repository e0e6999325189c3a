"""`ComputedFields`: the computed fields of a DocType or child table, in the order in which they are computed."""

from __future__ import annotations

import dis
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import CodeType, FunctionType
from typing import Annotated, Any, Final

from pydantic import BaseModel, TypeAdapter, create_model

from framework_m_core.domain.fields.computed import find_computed, find_own_computed, read_info
from framework_m_core.domain.fields.spec import FieldSpec

__all__ = ["ComputedFields", "find_cycle"]

_ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD"})

type _Read = tuple[str, bool]
"""An attribute of the document that a function reads, and whether it reads that of the parent class."""


@dataclass(frozen=True, eq=False)
class ComputedFields:
    """What is computed of a document, or of each row of a child table."""

    model: type[BaseModel]
    specs: Mapping[str, FieldSpec]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The fields, each after those that its function reads."""
        reads, ordered = _dependencies(self.model, self.specs), dict[str, None]()
        for name in self.specs:
            _visit(name, reads, ordered, ())
        return (*ordered,)

    @cached_property
    def checks(self) -> Mapping[str, TypeAdapter[Any]]:
        """What validates the value of each field."""
        infos = {name: read_info(field) for name, field in find_computed(self.model).items() if name in self.specs}
        annotations: dict[str, Any] = {
            name: Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
            for name, info in infos.items()
        }
        return {name: TypeAdapter(annotation) for name, annotation in annotations.items()}

    @cached_property
    def schema_model(self) -> type[BaseModel]:
        """A class with the fields alone, for their JSON Schema."""
        infos = {name: read_info(field) for name, field in find_computed(self.model).items() if name in self.specs}
        fields: dict[str, Any] = {name: (info.annotation, info) for name, info in infos.items()}
        return create_model(self.model.__name__, **fields)


def find_cycle(model: type[BaseModel], specs: Mapping[str, FieldSpec]) -> tuple[str, ...]:
    """Return names of computed fields of which each reads the next, the last being the first; empty without such."""
    reads, ordered = _dependencies(model, specs), dict[str, None]()
    return next((cycle for name in specs if (cycle := _visit(name, reads, ordered, ()))), ())


def _visit(
    name: str, reads: Mapping[str, frozenset[str]], ordered: dict[str, None], above: tuple[str, ...]
) -> tuple[str, ...]:
    """Add a field after those that it reads, and return the cycle that it is part of, if any."""
    if name in above:
        return (*above[above.index(name) :], name)
    if name not in ordered:
        for other in sorted(reads[name]):
            if cycle := _visit(other, reads, ordered, (*above, name)):
                return cycle
        ordered[name] = None
    return ()


def _dependencies(model: type[BaseModel], specs: Mapping[str, FieldSpec]) -> Mapping[str, frozenset[str]]:
    """Return for each computed field those that its function reads, itself or through other methods of its class."""
    return {name: frozenset(_reads(model, name, 0, frozenset(specs), [])) for name in specs}


def _reads(
    model: type[BaseModel], name: str, start: int, computed: frozenset[str], seen: list[FunctionType]
) -> Iterator[str]:
    """Yield the computed fields that the member of a class reads, looked up from a place of its parents on."""
    parents = model.__mro__
    at = next((place for place in range(start, len(parents)) if name in vars(parents[place])), None)
    function = None if at is None else _function(parents[at], name)
    if at is None or function is None or function in seen:
        return
    seen.append(function)
    for attribute, of_parent in _attributes(function):
        if attribute in computed and not of_parent:
            yield attribute
        else:
            yield from _reads(model, attribute, at + 1 if of_parent else 0, computed, seen)


def _function(owner: type, name: str) -> FunctionType | None:
    member = find_own_computed(owner).get(name) or vars(owner)[name]
    found = member.fget if isinstance(member, property) else member
    return found if isinstance(found, FunctionType) else None


def _attributes(function: FunctionType) -> Iterator[_Read]:
    """Yield the attributes that a function reads of its first argument, in its nested functions too."""
    if function.__code__.co_argcount:
        yield from _scan(function.__code__, function.__code__.co_varnames[0])


def _scan(code: CodeType, document: str) -> Iterator[_Read]:
    loaded: Any = None
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_SUPER_ATTR":
            yield str(instruction.argval), True
        elif instruction.opname in _ATTRIBUTES and loaded == document:
            yield str(instruction.argval), False
        loaded = instruction.argval[-1] if isinstance(instruction.argval, tuple) else instruction.argval
        loaded = loaded if instruction.opname.startswith(("LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE")) else None
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _scan(constant, document)
