"""`PointReads`: what is prepared for a grant, and that callers with scopes of one form share it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.filters.tree import Comparison, UserAttribute
from framework_m_core.interfaces.reader import QueryTemplate, ReadHandle, Row
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.queries.point_reads import PointReads

from .conftest import THING, grant_of

ID = UUID(int=7)


class Reader:
    """Keeps what it prepares."""

    heavy_reads = 1

    def __init__(self) -> None:
        self.prepared: list[QueryTemplate[CompiledDocType]] = []

    def prepare(self, template: QueryTemplate[CompiledDocType]) -> ReadHandle:
        self.prepared.append(template)
        return ReadHandle(template)

    async def fetch(self, context: RequestContext, handle: ReadHandle, values: Sequence[Any]) -> list[Row]:
        return []


def test_a_read_is_prepared_once_per_form_of_scope_and_reference() -> None:
    reader = Reader()
    reads = PointReads(reader)
    for number in range(20):
        grant = grant_of(scopes=(Comparison("owner", "eq", f"user{number}"),))
        for ref in (ID, "name"):
            read = reads.find(THING, grant, ref)
            assert read is not None, ref
            assert read.bind_values(ref, Principal("ada")) == (ref, f"user{number}"), ref
    assert len(reader.prepared) == 2


def test_what_depends_on_the_caller_or_an_engine_is_not_prepared() -> None:
    reads = PointReads(Reader())
    assert reads.find(THING, grant_of(evaluate=True), ID) is None
    assert reads.find(THING, grant_of(scopes=(Comparison("text", "in", UserAttribute("towns")),)), ID) is None
