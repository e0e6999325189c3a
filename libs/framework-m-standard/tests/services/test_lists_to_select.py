"""Lists for callers who may select documents without reading them: as link fields offer them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from framework_m import Comparison, DocType, Field
from framework_m_core.domain.context import ANONYMOUS, Principal, RequestContext
from framework_m_core.domain.errors import AuthenticationError, NoGrantError, QueryError
from framework_m_core.domain.page import PaginatedResult
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

CLERK, READER, NOBODY = (RequestContext(Principal(one, frozenset({one}))) for one in ("Clerk", "Reader", "Nobody"))
BOSS = RequestContext(Principal("boss", frozenset({"Administrator"})))


class Supplier(DocType):
    """Selected by clerks while approved; read by readers."""

    title: str = ""
    approved: bool = True
    terms: str = "secret"

    class Meta:
        naming = "prompt"
        title_field = "title"
        order_by = ("-terms",)
        permissions = {"select": {"Clerk": Comparison("approved", "eq", True)}, "read": {"Reader": "all"}}


class Vault(DocType):
    """Whose title clerks do not see."""

    label: str = Field(default="", permlevel=1)

    class Meta:
        naming = "prompt"
        title_field = "label"
        permissions = {"select": {"Clerk": "all", "All": "all"}, "delete": {"Clerk": "all"}}
        field_levels = {1: {"read": ["Warden"]}}


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Supplier, Vault):
        builder.add_doctype(doctype, "office")
    registry = builder.freeze()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        for name, title, approved in (("b", "Bolts", True), ("a", "Acme", True), ("c", "Cut off", False)):
            await opened.documents.create(BOSS, "Supplier", {"name": name, "title": title, "approved": approved})
        await opened.documents.create(BOSS, "Vault", {"name": "v1", "label": "Under the stairs"})
        yield opened


async def _list(
    office: Wired, caller: RequestContext, doctype: str = "Supplier", **asked: Any
) -> PaginatedResult[dict[str, Any]]:
    return await office.documents.list(caller, doctype, ListRequest(**asked))


async def test_it_shows_what_may_be_selected_by_name_and_title_and_nothing_else(office: Wired) -> None:
    page = await _list(office, CLERK, count="exact")
    shown = [{name: value for name, value in one.items() if name != "id"} for one in page.items]
    assert shown == [{"name": name, "_version": 1, "title": title} for name, title in (("a", "Acme"), ("b", "Bolts"))]
    assert page.total == 2


async def test_it_can_be_searched_sorted_and_paged_by_these_alone(office: Wired) -> None:
    by_title = {"field": "title", "operator": "starts_with", "value": "Bo"}
    assert [one["name"] for one in (await _list(office, CLERK, filters=[by_title])).items] == ["b"]
    first = await _list(office, CLERK, order_by="-title", limit=1)
    rest = await _list(office, CLERK, order_by="-title", limit=1, cursor=first.next_cursor)
    assert [one["name"] for one in (*first.items, *rest.items)] == ["b", "a"]
    assert rest.next_cursor is None


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"fields": "terms"}, "fields"),
        ({"order_by": "terms"}, "order_by"),
        ({"order_by": "creation"}, "order_by"),
        ({"filters": [{"field": "terms", "operator": "eq", "value": "secret"}]}, "filters.0.field"),
        ({"filters": [{"field": "owner", "operator": "eq", "value": "boss"}]}, "filters.0.field"),
        ({"expand": "owner"}, "expand"),
    ],
    ids=str,
)
async def test_other_fields_are_refused(office: Wired, asked: dict[str, Any], place: str) -> None:
    with pytest.raises(QueryError) as refused:
        await _list(office, CLERK, **asked)
    assert [(one.field, one.code) for one in refused.value.errors] == [(place, "unknown_field")]


async def test_a_title_that_the_caller_may_not_read_is_left_out(office: Wired) -> None:
    (item,) = (await _list(office, CLERK, "Vault")).items
    assert item.keys() == {"id", "name", "_version"}


async def test_who_may_read_lists_all_fields(office: Wired) -> None:
    page = await _list(office, READER)
    assert [one["terms"] for one in page.items] == ["secret"] * 3


async def test_who_may_neither_read_nor_select_is_refused_for_reading(office: Wired) -> None:
    with pytest.raises(NoGrantError) as refused:
        await _list(office, NOBODY)
    assert refused.value.details["rule"] == "Supplier.read"


async def test_deleted_documents_are_listed_for_readers_alone(office: Wired) -> None:
    with pytest.raises(NoGrantError):
        await _list(office, CLERK, "Vault", include_deleted=True)


async def test_the_role_all_is_everybody_who_has_logged_in(office: Wired) -> None:
    assert [one["name"] for one in (await _list(office, NOBODY, "Vault")).items] == ["v1"]
    with pytest.raises(AuthenticationError):
        await _list(office, RequestContext(ANONYMOUS), "Vault")
