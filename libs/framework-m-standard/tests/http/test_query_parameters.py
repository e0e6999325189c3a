"""Query parameters: strict, each once."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.domain.errors import QueryError
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_standard.http.documents.query_parameters import (
    parse_document_request,
    parse_flag,
    parse_list_request,
    parse_query,
)
from framework_m_standard.http.documents.search_body import parse_search_body


def test_nothing_asked_is_the_default() -> None:
    assert parse_list_request(b"") == ListRequest(default_filters=True)
    assert parse_list_request(b"default_filters=false") == ListRequest()
    assert (parse_search_body({}), parse_search_body({"default_filters": False})) == (
        ListRequest(default_filters=True),
        ListRequest(),
    )
    assert parse_document_request(b"").fields is None


def test_everything_asked() -> None:
    query = urlencode(
        {
            "limit": "50", "offset": "7", "filters": '[{"field":"a","operator":"eq","value":1.10}]', "order_by": "-a,b",
            "fields": "a,b", "expand": "c", "count": "exact", "include_deleted": "true", "cursor": "x",
            "titles": "true",
        }
    )  # fmt: skip
    assert parse_list_request(query.encode()) == ListRequest(
        limit=50, offset=7, cursor="x", filters=[{"field": "a", "operator": "eq", "value": Decimal("1.10")}],
        order_by=["-a", "b"], fields=["a", "b"], expand=["c"], count="exact", include_deleted=True,
        titles=True, default_filters=True,
    )  # fmt: skip


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_value_is_what_was_encoded(value: str) -> None:
    assert parse_query(f"a={quote(value)}".encode(), ("a",)) == {"a": value}


@given(st.binary(max_size=40))
def test_any_query_is_parsed_or_refused(query: bytes) -> None:
    with suppress(QueryError):
        assert parse_list_request(query).count


@pytest.mark.parametrize(
    "query",
    [
        "limit=1&limit=1",
        "nope=1",
        "Limit=1",
        "limit",
        "limit=",
        "=1",
        "a%ff=1",
        "cursor=%ff",
        "cursor=é",
        "limit=+1",
        "limit=%2B1",
        "limit=-0",
        "limit=1.0",
        "limit=1e1",
        "limit=01",
        "limit=0x1",
        "limit=1_0",
        "limit=%D9%A1",
        "limit=%201",
        "limit=99999999999999999999",
        "offset=a",
        "include_deleted=yes",
        "include_deleted=TRUE",
        "filters=",
        "filters=null",
        "filters=1",
        "filters={",
        "filters=%22x%22",
        "fields=",
        "order_by=",
        "&".join(f"p{n}=1" for n in range(60)),
    ],
)
def test_refused(query: str) -> None:
    with pytest.raises(QueryError):
        parse_list_request(query.encode("latin-1"))


def test_filters_that_are_not_json_are_refused_at_the_parameter() -> None:
    with pytest.raises(QueryError) as refused:
        parse_list_request(b"filters={")
    assert [(one.field, one.code) for one in refused.value.errors] == [("filters", "bad_json")]


def test_bounds_are_those_of_the_list() -> None:
    assert parse_list_request(b"limit=-5&offset=-1") == ListRequest(limit=-5, offset=-1, default_filters=True)


def test_what_a_route_does_not_know_is_refused() -> None:
    with pytest.raises(QueryError) as refused:
        parse_query(b"hard=true")
    assert [(one.field, one.code) for one in refused.value.errors] == [("hard", "unknown_parameter")]
    with pytest.raises(QueryError) as refused:
        parse_document_request(b"limit=1")
    assert [(one.field, one.code) for one in refused.value.errors] == [("limit", "unknown_parameter")]


def test_flags_have_one_spelling() -> None:
    assert (parse_flag({}, "a"), parse_flag({"a": "true"}, "a"), parse_flag({"a": "false"}, "a")) == (
        False,
        True,
        False,
    )
    with pytest.raises(QueryError):
        parse_flag({"a": "yes"}, "a")


LISTS = [
    "limit=0", "limit=501", "offset=10001", "count=some", "fields=nope", "fields=title,", "order_by=nope",
    "order_by=title,title", "expand=nope", "cursor=x", "offset=1&cursor=abc",
    "fields=lines.text", "expand=title", "expand=partner,color", "expand=" + ",".join(f"a{n}" for n in range(6)),
    "filters=[", "filters=1", "filters=null", "cursor=" + "x" * 9000,
    'filters=[{"field":"nope","operator":"eq","value":1}]', 'filters={"field":"title","operator":"is","value":1}',
    'filters={"and":[{"not":[]}]}', 'filters=[{"field":"title","operator":"like","value":"a\\\\"}]', "filters={}",
]  # fmt: skip


@pytest.mark.parametrize("query", LISTS)
async def test_a_list_refuses_what_it_does_not_know(site: Any, query: str) -> None:
    async with site.client("boss") as client:
        response = await client.get("/api/v1/Sale", params=dict([pair.split("=", 1) for pair in query.split("&")]))
    assert response.status_code == 400, response.text
    assert response.json()["code"] == "bad_query"
    places = {error["field"].partition(".")[0] for error in response.json()["errors"]}
    assert places == {query.rpartition("&")[2].partition("=")[0]}, "every error stands at its parameter"


@pytest.mark.parametrize("names", ["nope", "title"])
async def test_a_document_says_which_parameter_is_wrong(site: Any, names: str) -> None:
    sale = await site.make()
    async with site.client("boss") as client:
        response = await client.get(f"/api/v1/Sale/{sale['id']}", params={"expand": names})
    assert [(error["field"], error["code"]) for error in response.json()["errors"]] == [("expand", "unknown_field")]


async def test_hidden_fields_are_unknown_ones(site: Any) -> None:
    async with site.client("reader") as client:
        for query in (
            "fields=secret",
            "order_by=secret",
            'filters=[{"field":"secret","operator":"is_null","value":true}]',
        ):
            assert (await client.get(f"/api/v1/Sale?{query}")).status_code == 400, query


@pytest.mark.parametrize(
    ("word", "meant"),
    [("true", True), ("True", True), ("1", True), ("false", False), ("False", False), ("0", False)],
)
def test_spellings_of_a_flag(word: str, meant: bool) -> None:
    assert parse_list_request(f"include_deleted={word}".encode()).include_deleted is meant


@pytest.mark.parametrize("value", ["2147483648", "9" * 5_000])
def test_a_number_of_many_digits_is_out_of_bounds(value: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_list_request(f"offset={value}".encode())
    assert [(error.field, error.code) for error in refused.value.errors] == [("offset", "out_of_bounds")]
