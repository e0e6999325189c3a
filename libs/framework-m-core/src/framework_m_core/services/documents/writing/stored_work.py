"""`StoredWork`: the work of writes that begin with a stored document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from framework_m_core.domain.clock import IdGenerator
from framework_m_core.domain.context import RequestContext
from framework_m_core.interfaces.reader import Lock
from framework_m_core.interfaces.unit_of_work import UnitOfWorkProtocol
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.writing.drafts import Expected, Parse, check_version, find_parse
from framework_m_core.services.documents.writing.pipeline import WritePipeline
from framework_m_core.services.documents.writing.runner import Work
from framework_m_core.services.documents.writing.write import AMEND, RESTORE, DocumentWrite, Operation
from framework_m_core.services.rows.projection import Served

__all__ = ["StoredWork"]


class StoredWork:
    """Loads a document in the unit of work, and stores what a write makes of it."""

    def __init__(
        self, pipeline: WritePipeline, client_for: Callable[[RequestContext], DocumentClient], ids: IdGenerator
    ) -> None:
        self._pipeline = pipeline
        self._client_for = client_for
        self._ids = ids

    def prepare(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        ref: UUID | str,
        body: Mapping[str, Any],
        operation: Operation,
        wanted: Expected,
    ) -> Work:
        """Return the work of an operation with a body."""
        if operation is AMEND:
            return self._amend(context, plan, ref, body, wanted)
        return self.change(context, plan, ref, find_parse(operation, body, self._ids), operation, wanted)

    def change(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        ref: UUID | str,
        parse: Parse,
        operation: Operation,
        wanted: Expected,
    ) -> Work:
        """Return what loads a document and stores what an operation makes of it."""

        async def work(unit: UnitOfWorkProtocol, lock: Lock | None) -> Served | None:
            lock = "update" if operation.name in ("delete", "restore") else lock
            loaded, grant = await self._pipeline.loader.load(
                unit, context, plan, operation.action, ref, lock=lock, restoring=operation is RESTORE
            )
            check_version(loaded, wanted)
            if plan.children:
                await self._pipeline.large_work.begin(context, plan, ref, loaded.values)
            document = parse(context, grant, loaded, operation)
            write = DocumentWrite(operation, unit, context, plan, grant, document, self._client_for, loaded)
            return await self._pipeline.run(write)

        return work

    def _amend(
        self, context: RequestContext, plan: CompiledDocType, ref: UUID | str, body: Mapping[str, Any], wanted: Expected
    ) -> Work:
        """Return what loads a cancelled document and stores its amendment; amendments of one wait for each other."""

        async def work(unit: UnitOfWorkProtocol, lock: Lock | None) -> Served | None:
            loaded, grant = await self._pipeline.loader.load(unit, context, plan, AMEND.action, ref, lock="update")
            check_version(loaded, wanted)
            if plan.children:
                await self._pipeline.large_work.begin(context, plan, ref, loaded.values)
            draft = await self._pipeline.amendments.build(unit, context, grant, loaded, body)
            write = DocumentWrite(AMEND, unit, context, plan, grant, draft, self._client_for)
            return await self._pipeline.run(write)

        return work
