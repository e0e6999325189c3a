"""`Previews`: what a document would hold if it was written now, for forms, without any effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import UNSAVED_ID, VERSION_FIELD, DocStatus
from framework_m_core.domain.errors import combine_errors
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.fields.values import normalize_value
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.unit_of_work import UnitOfWorkFactoryProtocol
from framework_m_core.registry.compiled import CompiledChildTable, CompiledDocType
from framework_m_core.services.documents.codec import build_document, hold_computed
from framework_m_core.services.documents.links import clear_stale_fetches
from framework_m_core.services.documents.merging import read_creation, update_values
from framework_m_core.services.documents.old_values import to_plain_value
from framework_m_core.services.documents.validation import dump_document
from framework_m_core.services.documents.values.defaults import fill_defaults, fill_new_rows
from framework_m_core.services.documents.writing.computing import compute_where_possible
from framework_m_core.services.documents.writing.pipeline import WritePipeline
from framework_m_core.services.links.served import without_additions
from framework_m_core.services.queries.service import QueryService
from framework_m_core.services.rows.projection import select_readable

__all__ = ["Previews"]

_UNSAVED: Final[Mapping[str, Any]] = {
    "id": UNSAVED_ID, "name": None, "docstatus": DocStatus.DRAFT, VERSION_FIELD: 0, "deleted_at": None,
}  # fmt: skip


class Previews:
    """Defaults, fetched values and computed fields of forms: no hooks, validators, numbers, locks or audit."""

    def __init__(self, units: UnitOfWorkFactoryProtocol, pipeline: WritePipeline, queries: QueryService) -> None:
        self._units = units
        self._pipeline = pipeline
        self._queries = queries
        self._permissions = queries.permissions

    async def compute(
        self, context: RequestContext, plan: CompiledDocType, body: Mapping[str, Any], ref: UUID | str | None = None
    ) -> dict[str, Any]:
        """Return the fields that a caller may read of a form: of a new document, or of a stored one with changes.

        A field that is not filled in yet is null, and so is what cannot be computed without it. The permission to
        create, or to write the document, must cover the result. Raises ValidationError for values of another type than
        their fields', and LinkTargetError.
        """
        action = "create" if ref is None else "write"
        grant = await self._permissions.require_grant(context, plan, action)
        async with self._queries.heavy_reads.place(context.principal.id):
            await self._pipeline.large_work.wait_turn(plan, body)
            given = without_additions(plan, body) if plan.has_links else body
            given, unknown = await self._queries.link_names.resolve_body(context, plan, grant.writable, given)
            if unknown:
                raise combine_errors(unknown)
            stored: Mapping[str, Any] = {}
            if ref is None:
                values = self._new_values(context, plan, grant, given)
            else:
                values, stored = await self._changed_values(context, plan, given, ref)
            document = build_document(plan, values)
            await self._pipeline.links.resolve(None, context, plan, vars(document), stored)
            hold_computed(plan, document, stored)
            compute_where_possible(plan, document)
        values = dump_document(plan, document)
        await self._permissions.require_covered(context, plan, action, grant, values)
        reading = await self._permissions.find(context, plan, "read")
        return _show(plan, reading.readable if reading else grant.writable, values)

    def _new_values(
        self, context: RequestContext, plan: CompiledDocType, grant: Grant, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the stored values of a new document, null where nothing is given."""
        values, _ = read_creation(plan, grant, body, partial=True)
        fill_defaults(context, plan, values)
        now, actor = context.clock(), context.principal.id
        stamps = {"owner": actor, "modified_by": actor, "creation": now, "modified": now}
        return _complete(plan, {**_UNSAVED, **stamps, **values})

    async def _changed_values(
        self, context: RequestContext, plan: CompiledDocType, body: Mapping[str, Any], ref: UUID | str
    ) -> tuple[dict[str, Any], Mapping[str, Any]]:
        """Return the values of a stored document with those of a body merged into it, and the stored ones."""
        async with self._units(context) as unit:
            loaded, grant = await self._pipeline.loader.load(unit, context, plan, "write", ref)
        await self._pipeline.large_work.wait_turn(plan, loaded.values)
        merged = update_values(plan, grant, lambda: loaded.served, loaded.values, body, partial=True)
        fill_new_rows(context, plan, merged)
        values = _complete(plan, {**loaded.values, **merged})
        if plan.has_fetches:
            clear_stale_fetches(plan, values, loaded.values)
        return values, loaded.values


def _complete(plan: CompiledDocType, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with a default, or null, for each field that they lack, in rows too."""
    whole = _with_defaults(plan, values)
    for field, child in plan.children.items():
        rows = [_with_defaults(child, row) for row in values.get(field, ())]
        whole[field] = [{"id": UNSAVED_ID, **row} for row in rows]
    return whole


def _with_defaults(table: CompiledDocType | CompiledChildTable, values: Mapping[str, Any]) -> dict[str, Any]:
    lacking = [spec for name, spec in table.fields.items() if spec.is_scalar and name not in values]
    return {**{spec.name: _default(table.model, spec) for spec in lacking}, **values}


def _default(model: type[BaseModel], spec: FieldSpec) -> Any:
    if spec.computed:
        return None
    default = model.model_fields[spec.name].get_default(call_default_factory=True, validated_data={})
    return None if default is PydanticUndefined else normalize_value(spec, to_plain_value(default), rounding=True)


def _show(plan: CompiledDocType, shown: frozenset[str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the DocType's own fields among those that a caller is shown; new rows have no ids."""
    document = {name: value for name, value in select_readable(plan, shown, values).items() if name in plan.fields}
    for field in plan.children.keys() & document.keys():
        for row in document[field]:
            if row["id"] == UNSAVED_ID:
                del row["id"]
    return document
