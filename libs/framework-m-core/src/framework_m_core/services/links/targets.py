"""`LinkTargets`: reads of the documents that links point to, as far as the caller may read or select them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import compress
from typing import Any, Final

from framework_m_core.domain.context import RequestContext, UnitView
from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import And, Comparison
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import DocumentReaderProtocol, QueryTemplate, Row
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.permissions.service import PermissionService
from framework_m_core.services.rows.projection import LIVE
from framework_m_core.services.rows.sizes import PAGE_BYTES, measure_widest_row
from framework_m_core.services.rows.template_cache import derive_template_caches

__all__ = ["MAX_TARGETS", "LinkTargets", "hide_unknown_doctypes", "refuse_too_many"]

MAX_TARGETS: Final = 1_000
"""The most documents of one DocType that one write may add links to."""


class LinkTargets:
    """Reads of live link targets under the scope of a grant."""

    def __init__(self, reader: DocumentReaderProtocol, permissions: PermissionService) -> None:
        self._reader = reader
        self._permissions = permissions
        self._prepare = derive_template_caches(reader.prepare)

    async def find(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        action: str,
        grant: Grant,
        wanted: Comparison,
        fields: Sequence[str],
        unit: UnitOfWorkProtocol | None = None,
    ) -> list[dict[str, Any]]:
        """Return the id and fields of the documents with one of the `wanted` values.

        A unit of work, if given, locks them against deletion. A policy engine sees whole documents: those that are too
        large together are read one at a time.
        """
        chosen = ("id", *(name for name in fields if name != "id"))
        columns = plan.columns if grant.evaluate else chosen
        parts = [wanted]
        several = grant.evaluate and len(wanted.value) > 1
        if several and await self.measure(context, plan, grant, wanted, columns) > PAGE_BYTES:
            parts = [replace(wanted, value=(value,)) for value in wanted.value]
        found = list[dict[str, Any]]()
        for part in parts:
            template, parameters = self._template(context, plan, grant, part, columns)
            template = replace(template, lock="share" if unit else None)
            fetched = await self._fetch(context, template, parameters, unit or context.unit)
            rows = [dict(zip(columns, row, strict=True)) for row in fetched]
            if grant.evaluate:
                rows = [*compress(rows, await self._permissions.covers_each(context, plan, action, grant, rows))]
                rows = [{name: row[name] for name in chosen} for row in rows]
            found += rows
        return found

    async def measure(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        grant: Grant,
        wanted: Comparison,
        columns: Sequence[str],
    ) -> float:
        """Return how many bytes the columns of the matching documents have, at most; read only if that may be many."""
        maximum = measure_widest_row(plan, columns) * len(wanted.value)
        if maximum <= PAGE_BYTES:
            return maximum
        template, parameters = self._template(context, plan, grant, wanted, columns)
        sizes = await self._fetch(context, replace(template, sizes=True), parameters, context.unit)
        return float(sum(size for (size,) in sizes))

    def _template(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        grant: Grant,
        wanted: Comparison,
        columns: Sequence[str],
    ) -> tuple[QueryTemplate[CompiledDocType], Sequence[Any]]:
        where, parameters = parameterize(And((wanted, LIVE, self._permissions.bind_scope(grant, context.principal))))
        return QueryTemplate(plan, tuple(columns), where), parameters

    async def _fetch(
        self,
        context: RequestContext,
        template: QueryTemplate[CompiledDocType],
        parameters: Sequence[Any],
        unit: UnitView | None,
    ) -> Sequence[Row]:
        handle = self._prepare.of(context.registry)(template)
        return await (unit.fetch(handle, parameters) if unit else self._reader.fetch(context, handle, parameters))


async def refuse_too_many(permissions: PermissionService, context: RequestContext, counts: Mapping[str, int]) -> None:
    """Raise ValidationError if a write links to too many documents of a DocType, each of which is looked up."""
    errors = [
        FieldError("*", "out_of_bounds", params={"max_links": MAX_TARGETS, "doctype": doctype, "count": count})
        for doctype, count in counts.items()
        if count > MAX_TARGETS
    ]
    if errors:
        shown = await hide_unknown_doctypes(permissions, context, errors)
        raise ValidationError("the document links to too many documents", shown)


async def hide_unknown_doctypes(
    permissions: PermissionService, context: RequestContext, errors: Sequence[FieldError]
) -> list[FieldError]:
    """Return errors without the names of DocTypes that the caller has no grant for."""
    known = await permissions.find_known(context, {one.params["doctype"] for one in errors})
    return [one if one.params["doctype"] in known else _without_doctype(one) for one in errors]


def _without_doctype(error: FieldError) -> FieldError:
    params = {name: value for name, value in error.params.items() if name != "doctype"}
    return FieldError(error.field, error.code, params=params)
