"""Bodies that a DocType accepts, found by trial: its validation errors show what the declaration requires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from framework_m_core.bootstrap.application import Application
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.naming import FieldNaming, PromptNaming
from framework_m_core.domain.errors import ValidationError
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.queries.parsing import ListRequest

__all__ = ["Bodies", "SampleDocuments"]

type Bodies = Mapping[str, Mapping[str, Any] | Callable[[int], Mapping[str, Any]]]
"""Values by DocType, or a function that returns them for the number of a sample."""

_MAX_TRIES = 20
_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_CANDIDATES: Final[Mapping[FieldKind, tuple[Any, ...]]] = {
    FieldKind.TEXT: ("Sample {n}", "sample{n}@example.com", "S{n}", "https://example.com/{n}", "2026-01-01"),
    FieldKind.INTEGER: (1, 0, 10, 100, 2026),
    FieldKind.FLOAT: (1.5, 0.5, 10.5),
    FieldKind.BOOLEAN: (False, True),
    FieldKind.DATETIME: ("2026-01-31T12:00:00+00:00", "2036-01-31T12:00:00+00:00"),
    FieldKind.DATE: ("2026-01-31", "2036-01-31"),
    FieldKind.DECIMAL: ("1", "0", "10", "100"),
    FieldKind.UUID: ("01890000-0000-7000-8000-000000000001",),
    FieldKind.JSON: ([], {}),
    FieldKind.BYTES: ("", "U2FtcGxl"),
}


_DIFFERING: Final[Mapping[FieldKind, Callable[[int], Any]]] = {
    FieldKind.INTEGER: lambda number: number,
    FieldKind.FLOAT: lambda number: number + 0.5,
    FieldKind.DECIMAL: str,
    FieldKind.DATE: lambda number: (_FIRST_DAY + timedelta(number)).date().isoformat(),
    FieldKind.DATETIME: lambda number: (_FIRST_DAY + timedelta(number)).isoformat(),
    FieldKind.UUID: lambda number: str(UUID(int=number)),
}
"""Values that no two documents share, by the number of the sample; texts have it anyway."""


class SampleDocuments:
    """Creates documents of any DocType in a given context, after the documents that they must link to.

    `bodies` gives, by DocType, values for fields whose rules no guess can satisfy; `max_documents`, how many documents
    there may be: links then point to one of them.
    """

    def __init__(
        self,
        app: Application,
        context: RequestContext,
        bodies: Bodies,
        max_documents: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self._app = app
        self._context = context
        self._bodies = bodies
        self._max_documents = max_documents
        self._numbers = count(1)
        self._wanted: set[str] = set()

    async def create(self, doctype: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return an accepted body and the document created from it. Raises ValidationError if none is accepted."""
        plan, tries = self._app.registry.get(doctype), dict[str, int]()
        for left in reversed(range(_MAX_TRIES)):
            body = await self._body(plan, tries)
            try:
                return body, await self._app.documents.create(self._context, doctype, body)
            except ValidationError as error:
                if not left or not error.errors:
                    raise
                for one in error.errors:
                    tries[one.field] = tries.get(one.field, 0) + 1
        raise AssertionError("unreachable")

    async def _body(self, plan: CompiledDocType, tries: Mapping[str, int]) -> dict[str, Any]:
        number = next(self._numbers)
        body: dict[str, Any] = {"name": f"Sample {number}"} if isinstance(plan.naming, PromptNaming) else {}
        differing = _differing(plan)
        for name, spec in plan.fields.items():
            if spec.is_scalar and not spec.read_only and (spec.required or (name in differing and not spec.link)):
                body[name] = await self._value(spec, number, tries.get(name, 0), differs=name in differing)
        for name, child in plan.children.items():
            if not plan.fields[name].read_only:
                wanted = [spec for spec in child.fields.values() if spec.required and not spec.read_only]
                at = f"{name}.0."
                row = {spec.name: await self._value(spec, number, tries.get(at + spec.name, 0)) for spec in wanted}
                body[name] = [row]
        given = self._bodies.get(plan.name, {})
        return {**body, **(given(number) if callable(given) else given)}

    async def _value(self, spec: FieldSpec, number: int, tried: int, *, differs: bool = False) -> Any:
        if spec.link:
            return await self._target(spec)
        if spec.choices:
            return spec.choices[tried % len(spec.choices)]
        if spec.enum:
            return next(member.value for member in spec.enum)
        if differs and spec.kind in _DIFFERING:
            return _DIFFERING[spec.kind](number)
        candidates = spec.field_type.json_schema()["examples"] if spec.field_type else _CANDIDATES[spec.kind]
        value = candidates[tried % len(candidates)]
        return value.format(n=number) if isinstance(value, str) else value

    async def _target(self, spec: FieldSpec) -> str | None:
        """Return the id of a new document to link to, or None if it may be, where such a document is being made."""
        target = spec.link or ""
        if spec.nullable and target in self._wanted:
            return None
        if target in self._max_documents:
            known = (
                await self._app.documents.list(self._context, target, ListRequest(limit=self._max_documents[target]))
            ).items
            if len(known) == self._max_documents[target]:
                return str(known[0]["id"])
        self._wanted.add(target)
        try:
            return str((await self.create(target))[1]["id"])
        finally:
            self._wanted.discard(target)


def _differing(plan: CompiledDocType) -> frozenset[str]:
    """Return the fields whose values no two documents may share, even by default."""
    named = {plan.naming.field} if isinstance(plan.naming, FieldNaming) else set[str]()
    unique = {name for name, spec in plan.fields.items() if spec.unique}
    return frozenset(named.union(unique, chain.from_iterable(plan.meta.unique_together)))
