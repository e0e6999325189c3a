"""`AmendmentDrafts`: the drafts that take the place of cancelled documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import AMENDED_FROM, VERSION_FIELD, DocStatus
from framework_m_core.domain.documents.naming import FieldNaming, IdNaming
from framework_m_core.domain.errors import AmendedDocumentError, FieldError, SubmittedDocumentError, ValidationError
from framework_m_core.domain.filters.parameterize import parameterize
from framework_m_core.domain.filters.tree import And, Comparison
from framework_m_core.interfaces.permission import Grant
from framework_m_core.interfaces.reader import DocumentReaderProtocol, QueryTemplate
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.merging import read_creation
from framework_m_core.services.documents.naming import check_name
from framework_m_core.services.documents.validation import validate
from framework_m_core.services.documents.values.copies import copy_values
from framework_m_core.services.documents.values.defaults import fill_defaults
from framework_m_core.services.documents.writing.drafts import identify_rows
from framework_m_core.services.documents.writing.write import Loaded
from framework_m_core.services.rows.projection import LIVE
from framework_m_core.services.rows.template_cache import derive_template_caches

__all__ = ["AmendmentDrafts"]

_CANDIDATES: Final = 50
"""How many names are looked up at once; more than so many in a row are not taken by others."""
_MAX_DIGITS: Final = 9


class AmendmentDrafts:
    """Builds the amendment of a loaded document, in the unit of work that stores it."""

    def __init__(self, reader: DocumentReaderProtocol, ids: IdGenerator) -> None:
        self._ids = ids
        self._prepare = derive_template_caches(reader.prepare)

    async def build(
        self, unit: UnitOfWorkProtocol, context: RequestContext, grant: Grant, loaded: Loaded, body: Mapping[str, Any]
    ) -> BaseModel:
        """Return a draft with what the caller may copy of a cancelled document, and a body's fields in their place.

        Raises SubmittedDocumentError for one that is not cancelled, AmendedDocumentError for one that has an amendment,
        and ValidationError.
        """
        plan, stored = loaded.plan, loaded.values
        await self._refuse_wrong_state(unit, plan, stored)
        given = {name: value for name, value in body.items() if name != VERSION_FIELD}
        values = self._read(context, plan, grant, {**copy_values(plan, grant.writable, loaded.served), **given})
        id, now, actor = self._ids(), context.clock(), context.principal.id
        name = str(id) if isinstance(plan.naming, IdNaming) else await self._find_name(unit, plan, stored)
        if isinstance(plan.naming, FieldNaming):
            values[plan.naming.field] = name
        stamps = {"id": id, "owner": actor, "creation": now, "modified": now, "modified_by": actor}
        draft = validate(plan, {**values, **stamps, AMENDED_FROM: stored["id"]})
        vars(draft)["name"] = name
        return draft

    def _read(
        self, context: RequestContext, plan: CompiledDocType, grant: Grant, body: Mapping[str, Any]
    ) -> dict[str, Any]:
        named = plan.naming.field if isinstance(plan.naming, FieldNaming) else "name"
        if named in body:
            error = FieldError(named, "not_writable")
            raise ValidationError("an amendment is named after the document that it amends", [error])
        values, _ = read_creation(plan, grant, body)
        if plan.dynamic_defaults:
            fill_defaults(context, plan, values)
        identify_rows(plan, values, self._ids)
        return values

    async def _refuse_wrong_state(
        self, unit: UnitOfWorkProtocol, plan: CompiledDocType, stored: Mapping[str, Any]
    ) -> None:
        status = DocStatus(stored["docstatus"])
        if status is not DocStatus.CANCELLED:
            raise SubmittedDocumentError(f"expected a cancelled document to amend, got a {status.name.lower()} one")
        if await self._fetch(unit, plan, Comparison(AMENDED_FROM, "eq", stored["id"])):
            raise AmendedDocumentError(
                f"this {plan.name} has an amendment already: amend that one once it is cancelled, or delete it first"
            )

    async def _find_name(self, unit: UnitOfWorkProtocol, plan: CompiledDocType, stored: Mapping[str, Any]) -> str:
        """Return the first free name of an amendment: `X-1` for `X`, `X-2` for its amendment `X-1`."""
        base, number = _split_name(stored["name"], is_amendment=stored[AMENDED_FROM] is not None)
        names = [check_name(f"{base}-{number + step}") for step in range(_CANDIDATES)]
        taken = await self._fetch(unit, plan, Comparison("name", "in", tuple(names)))
        return next((name for name in names if name not in taken), names[-1])

    async def _fetch(self, unit: UnitOfWorkProtocol, plan: CompiledDocType, condition: Comparison) -> set[str]:
        """Return the names of live documents."""
        where, values = parameterize(And((condition, LIVE)))
        prepare = self._prepare.of(unit.context.registry)
        return {name for (name,) in await unit.fetch(prepare(QueryTemplate(plan, ("name",), where)), values)}


def _split_name(name: str, *, is_amendment: bool) -> tuple[str, int]:
    """Return the name that amendments are called after, and the next number."""
    base, _, number = name.rpartition("-")
    if is_amendment and base and number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS:
        return base, int(number) + 1
    return name, 1
