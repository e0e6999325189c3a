"""Parameters and filters that are none or are too much: refused with a problem document, never a 500."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.journeys.product import Product
from tests.journeys.security.responses import refused

BAD_QUERIES = (
    *(f"limit={value}" for value in ("-1", "0", "501", "abc", "1.5", "1e2", "%D9%A3", "%EF%BC%91", "+1", "%201", "007",
                                     "0x10", "1_0", "99999999999999999999", "true", "null", "[]", "1;2", "1%00")),
    *(f"offset={value}" for value in ("-1", "10001", "abc", "1.0", "99999999999999999999", "%D9%A3", "-0")),
    "offset=1&cursor=x", "cursor=%20", "cursor=%C3%A9",
    "limit=", "limit", "count=", "filters=", "cursor=", "order_by=", "fields=", "=", "=1", "&=&",
    "limit=1&limit=1", "limit=1&limit=2", "%6Cimit=1&limit=2", "count=exact&count=none",
    "nonsense=1", "Limit=1", "limit%20=1", "limit%00=1", "__proto__=1", "filter=[]", "page=1", "sort=name", "q=x",
    "limit=%zz&offset=%", "limit=%ff", "%ff=1", "filters=%ff", "limit=1%23", "&".join(["limit=1"] * 60),
    "count=EXACT", "count=1", "include_deleted=2", "include_deleted=TRUE", "include_deleted=yes", "hard=true",
    *(f"order_by={value}" for value in ("nonsense", "-", "--full_name", "%2Bfull_name", "full_name,", ",full_name",
                                        "full_name,full_name", "full_name,-full_name", "full_name%20desc", "1",
                                        "id,name,owner,creation,modified,email", "FULL_NAME", "deleted_at", "items")),
    *(f"fields={value}" for value in ("nonsense", "*", "full_name,", ",", "deleted_at", "items.qty", "password")),
    *(f"expand={value}" for value in ("nonsense", "owner", "*", ",")),
)  # fmt: skip


def test_a_parameter_that_is_none_is_refused(alice: httpx.Client, subtests: pytest.Subtests) -> None:
    for query in BAD_QUERIES:
        with subtests.test(query=query[:60]):
            refused(alice.get(f"/api/v1/Customer?{query}"), 400, "bad_query")


@pytest.mark.parametrize("query", ["limit=1", "fields=nonsense", "expand=nonsense", "fields=", "filters=[]", "a=b"])
def test_routes_for_one_document_take_only_their_parameters(alice: httpx.Client, query: str) -> None:
    customer = alice.post("/api/v1/Customer", json={"full_name": "x"}).json()
    path = f"/api/v1/Customer/{customer['id']}?{query}"
    refused(alice.get(path), 400, "bad_query")
    refused(alice.patch(path, json={"full_name": "y"}), 400, "bad_query")
    refused(alice.put(path, json={"full_name": "y", "_version": 1}), 400, "bad_query")
    refused(alice.delete(path), 400, "bad_query")
    refused(alice.post(f"/api/v1/Customer?{query}", json={"full_name": "y"}), 400, "bad_query")
    refused(alice.get(f"/api/meta/Customer?{query}"), 400, "bad_query")
    refused(alice.get(f"/api/v1/auth/me?{query}"), 400, "bad_query")
    for hard in ("2", "TRUE", "", "true&hard=true"):
        refused(alice.delete(f"/api/v1/Customer/{customer['id']}?hard={hard}"), 400, "bad_query")
    assert alice.get(f"/api/v1/Customer/{customer['id']}").json() == customer


def _is(field: Any = "full_name", operator: Any = "eq", value: Any = "x") -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


def _nested(depth: int, word: str) -> Any:
    tree: Any = _is()
    for _ in range(depth):
        tree = [tree] if word == "list" else {word: tree if word == "not" else [tree]}
    return tree


BAD_FILTERS: tuple[Any, ...] = (
    None, 1, "x", True, {}, [None], [1], ["x"], [{}], {"and": {}}, {"or": None}, {"not": []}, {"not": [_is()]},
    {"xor": [_is()]}, {"AND": [_is()]}, {"and": [], "or": []}, {"$where": "1"}, {"and": [_is(), None]},
    [{"field": "full_name"}], [{"field": "full_name", "operator": "eq"}], [{**_is(), "extra": 1}],
    [_is(field=None)], [_is(field=1)], [_is(field=["full_name"])], [_is(field={})], [_is(field="")],
    [_is(field="customer.territory")], [_is(field="deleted_at")], [_is(field="items")], [_is(field="full_name ")],
    [_is(operator=None)], [_is(operator="=")], [_is(operator="EQ")], [_is(operator=["eq"])], [_is(operator={})],
    [_is(operator="regex")], [_is(value=None)], [_is(value=1)], [_is(value=True)], [_is(value=["x"])], [_is(value={})],
    [_is(value="\0")], [_is(value="x" * 2_001)], [_is(operator="in", value="x")], [_is(operator="in", value=[None])],
    [_is(operator="in", value=[["x"]])], [_is(operator="in", value={})], [_is(operator="in", value=["x"] * 501)],
    [_is(operator="between", value=["a"])], [_is(operator="between", value=["a", "b", "c"])],
    [_is(operator="between", value="ab")], [_is(operator="is_null", value="true")], [_is(operator="is_null", value=1)],
    [_is("creation", "eq", "today")], [_is("creation", "eq", 1)], [_is("creation", "lt", "0001-01-01T00:00:00+01:00")],
    [_is("creation", "lt", "9999-12-31T23:59:59-01:00")], [_is("creation", "lt", "2026-01-01T00:00:00")],
    [_is("creation", "like", "2026%")], [_is("docstatus", "eq", "0")], [_is("docstatus", "eq", 0.5)],
    [_is("docstatus", "eq", 2**63)], [_is("docstatus", "eq", -(2**63) - 1)], [_is("docstatus", "eq", 10**400)],
    [_is("docstatus", "eq", False)], [_is("docstatus", "contains", 0)], [_is("id", "eq", "x")], [_is("id", "eq", 5)],
    [_is("id", "gt", str(UUID(int=5)))], [_is("id", "contains", "0")], [_is("id", "between", [str(UUID(int=5))] * 2)],
    [_is()] * 51, _nested(8, "list"), _nested(8, "and"), _nested(8, "not"),
)  # fmt: skip


def test_a_filter_that_is_none_is_refused(alice: httpx.Client, subtests: pytest.Subtests) -> None:
    for tree in BAD_FILTERS:
        with subtests.test(tree=json.dumps(tree)[:60]):
            refused(alice.get("/api/v1/Customer", params={"filters": json.dumps(tree)}), 400, "bad_query")


NO_JSON = {
    "open": "[",
    "closed": "]",
    "comma": "[1,]",
    "NaN": "NaN",
    "exponent": "[1e99999999999999999999]",
    "surrogate": '["\\ud800"]',
    "mark": "\ufeff[]",
    "deep": "[" * 5_000 + "]" * 5_000,
    "deep and cut": "[" * 15_000,
    "deep not": '{"not":' * 2_000 + "{}" + "}" * 2_000,
}


def test_filters_that_are_no_json_are_refused(alice: httpx.Client, subtests: pytest.Subtests) -> None:
    for name, text in NO_JSON.items():
        with subtests.test(name):
            refused(alice.get("/api/v1/Customer", params={"filters": text}), 400, "bad_query")


def test_filters_of_the_bounds_are_served(alice: httpx.Client) -> None:
    for tree in (
        [_is()] * 50,
        _nested(6, "list"),
        _nested(7, "not"),
        [_is("docstatus", "eq", 2**63 - 1), _is("docstatus", "eq", -(2**63))],
        [_is(operator="in", value=[])],
        [_is(operator="in", value=["x"] * 500)] * 2,
        [_is("creation", "lt", "9999-12-31T23:59:59.999999Z")],
    ):
        assert alice.get("/api/v1/Customer", params={"filters": json.dumps(tree)}).status_code == 200, tree


def test_large_filters_do_not_fill_the_memory(crm: Product, alice: httpx.Client) -> None:
    """A statement is kept for each shape of a filter; shapes can be had by the thousand."""

    def resident() -> int:
        assert crm.process is not None
        return int(Path(f"/proc/{crm.process.pid}/statm").read_text().split()[1]) * 4096

    def ask(number: int) -> None:
        words = [f"{number + 32:b}"[place % 6] for place in range(50)]
        tree = [_is("docstatus", "not_in" if word == "1" else "in", [1] * 500) for word in words]
        refused(alice.get(f"/api/v1/Customer?filters={json.dumps(tree, separators=(',', ':'))}"), 400, "bad_query")

    ask(0)
    before = resident()
    for number in range(1, 31):
        ask(number)
    assert resident() - before < 20_000_000
