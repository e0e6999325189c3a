"""Bodies that a DocType accepts, found by trial: its validation errors show what the declaration requires."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, Final

from framework_m_core.bootstrap.application import Application
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.naming import PromptNaming
from framework_m_core.domain.errors import ValidationError
from framework_m_core.domain.fields.spec import FieldKind, FieldSpec
from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["SampleDocuments"]

_MOST_TRIES = 20
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


class SampleDocuments:
    """Creates documents of any DocType in a given context, after the documents that they must link to.

    `bodies` gives, by DocType, values for fields whose rules no guess can satisfy.
    """

    def __init__(self, app: Application, context: RequestContext, bodies: Mapping[str, Mapping[str, Any]]) -> None:
        self._app = app
        self._context = context
        self._bodies = bodies
        self._numbers = count(1)

    async def create(self, doctype: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return an accepted body and the document created from it. Raises ValidationError if none is accepted."""
        plan, tries = self._app.registry.get(doctype), dict[str, int]()
        for left in reversed(range(_MOST_TRIES)):
            body = await self._body(plan, tries)
            try:
                return body, await self._app.documents.create(self._context, doctype, body)
            except ValidationError as error:
                if not left or not error.errors:
                    raise
                for problem in error.errors:
                    tries[problem.field] = tries.get(problem.field, 0) + 1
        raise AssertionError("unreachable")

    async def _body(self, plan: CompiledDocType, tries: Mapping[str, int]) -> dict[str, Any]:
        number = next(self._numbers)
        body: dict[str, Any] = {"name": f"Sample {number}"} if isinstance(plan.naming, PromptNaming) else {}
        for name, spec in plan.fields.items():
            if spec.required and spec.is_scalar and not spec.read_only:
                body[name] = await self._value(spec, number, tries.get(name, 0))
        for name, child in plan.children.items():
            if not plan.fields[name].read_only:
                wanted = [spec for spec in child.fields.values() if spec.required and not spec.read_only]
                at = f"{name}.0."
                row = {spec.name: await self._value(spec, number, tries.get(at + spec.name, 0)) for spec in wanted}
                body[name] = [row]
        return {**body, **self._bodies.get(plan.name, {})}

    async def _value(self, spec: FieldSpec, number: int, tried: int) -> Any:
        if spec.link:
            return str((await self.create(spec.link))[1]["id"])
        if spec.choices:
            return spec.choices[tried % len(spec.choices)]
        if spec.enum:
            return next(member.value for member in spec.enum)
        candidates = spec.field_type.json_schema()["examples"] if spec.field_type else _CANDIDATES[spec.kind]
        value = candidates[tried % len(candidates)]
        return value.format(n=number) if isinstance(value, str) else value
