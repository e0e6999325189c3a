"""Bodies that a DocType accepts, found by trial: its validation errors show what the declaration requires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain, count
from types import MappingProxyType
from typing import Any

from framework_m_core.bootstrap.application import Application
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.naming import FieldNaming, PromptNaming
from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.registry.compiled import CompiledChildTable, CompiledDocType
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_testing.samples.fields import NoSampleError, SampleValues

__all__ = ["Bodies", "SampleDocuments"]

type Bodies = Mapping[str, Mapping[str, Any] | Callable[[int], Mapping[str, Any]]]
"""Values by DocType, or a function that returns them for the number of a sample."""

_MAX_TRIES = 20


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
        """Return an accepted body and the document created from it.

        Raises NoSampleError if none is accepted, naming the field, and ValidationError for what is stated.
        """
        plan, tries = self._app.registry.get(doctype), dict[str, int]()
        for left in reversed(range(_MAX_TRIES)):
            body, stated = await self._body(plan, tries)
            try:
                return body, await self._app.documents.create(self._context, doctype, body)
            except ValidationError as error:
                guessed = [one for one in error.errors if one.field.partition(".")[0] not in stated]
                if not guessed:
                    raise
                if not left:
                    raise _refused(doctype, guessed[0]) from error
                for one in guessed:
                    tries[one.field] = tries.get(one.field, 0) + 1
        raise AssertionError("unreachable")

    async def _body(self, plan: CompiledDocType, tries: Mapping[str, int]) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """Return a body, and what is stated of it, for which no other value is tried."""
        number = next(self._numbers)
        given = self._bodies.get(plan.name, {})
        stated = given(number) if callable(given) else given
        body: dict[str, Any] = {"name": f"Sample {number}"} if isinstance(plan.naming, PromptNaming) else {}
        values = SampleValues(plan.name, plan.model, plan.fields)
        differing = _differing(plan)
        for name, spec in plan.fields.items():
            wanted = spec.required or (name in differing and not spec.link)
            if spec.is_scalar and not spec.read_only and wanted and name not in stated:
                body[name] = await self._value(values, name, number, tries.get(name, 0))
        for name, child in plan.children.items():
            if not plan.fields[name].read_only and name not in stated:
                rows = SampleValues(f"{plan.name}.{name}", child.model, child.fields)
                count = values.count_rows(name) or int(not self._go_in_circles(child))
                body[name] = [await self._row(rows, number, f"{name}.{place}.", tries) for place in range(count)]
        return {**body, **stated}, stated

    def _go_in_circles(self, child: CompiledChildTable) -> bool:
        """Return whether rows need a document of a DocType of which one is being made."""
        return any(spec.link in self._wanted and spec.required and not spec.nullable for spec in child.fields.values())

    async def _row(self, values: SampleValues, number: int, at: str, tries: Mapping[str, int]) -> dict[str, Any]:
        wanted = [spec.name for spec in values.specs.values() if spec.required and not spec.read_only]
        return {name: await self._value(values, name, number, tries.get(at + name, 0)) for name in wanted}

    async def _value(self, values: SampleValues, name: str, number: int, tried: int) -> Any:
        spec = values.specs[name]
        if spec.link:
            return await self._target(spec)
        known = values.list(name, number)
        return known[tried % len(known)]

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


def _refused(doctype: str, error: FieldError) -> NoSampleError:
    place = ".".join(part for part in error.field.split(".") if not part.isdigit())
    return NoSampleError(f"{doctype}.{place}", error.message, "pass it in `bodies`")
