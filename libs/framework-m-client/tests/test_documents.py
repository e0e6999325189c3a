"""Documents through the client, sync and async, against the real app."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from framework_m_client import (
    ConflictError,
    DocumentSubmittedError,
    DuplicateValueError,
    Filters,
    InvalidLinkError,
    NotFoundError,
    QueryError,
    ValidationError,
    VersionConflictError,
    field,
)

from .conftest import Shop


def make_products(client: Any, count: int) -> list[dict[str, Any]]:
    products = client.doctype("Product")
    return [products.create({"sku": f"S{number:03}", "price": Decimal(number)}) for number in range(count)]


def test_a_life_of_a_document(client: Any) -> None:
    orders = client.doctype("Order")
    chair, desk = make_products(client, 2)
    made = orders.create({"customer": "Ada", "lines": [{"product": chair["id"], "qty": Decimal("1.5")}]})
    assert (made["name"], made["lines"][0]["qty"]) == ("ORD-0001", "1.50")
    assert orders.get(made["name"]) == made
    assert orders.get(made, fields=["lines"], expand=[])["lines"] == made["lines"]
    rows = [{"id": made["lines"][0]["id"]}, {"product": str(uuid4()), "qty": 2}]
    with pytest.raises(InvalidLinkError) as refused:
        orders.update(made, {"lines": rows})
    assert [error.field for error in refused.value.errors] == ["lines.1.product"]
    rows[1]["product"] = desk["id"]
    changed = orders.update(made, {"lines": rows})
    assert [line["qty"] for line in changed["lines"]] == ["1.50", "2.00"]
    submitted = orders.submit(changed)
    assert submitted["docstatus"] == 1
    with pytest.raises(DocumentSubmittedError):
        orders.update(submitted, {"customer": "Bob"})
    assert orders.cancel(submitted)["docstatus"] == 2


def test_a_form_is_computed(client: Any) -> None:
    orders = client.doctype("Order")
    [chair] = make_products(client, 1)
    line = {"product": chair["id"], "qty": Decimal("1.5")}
    form = orders.compute({"lines": [line]}, seq=7)
    assert (form["seq"], form["data"]["ordered"], form["data"]["customer"]) == (7, "1.50", None)
    made = orders.create({"customer": "Ada", "lines": [line]})
    changed = orders.compute({"lines": [*made["lines"], line]}, reference=made)
    assert (changed["data"]["ordered"], orders.get(made)["ordered"]) == ("3.00", "1.50")


def test_a_document_is_duplicated(client: Any) -> None:
    products = client.doctype("Product")
    made = products.create({"sku": "S1", "price": Decimal("2.10"), "tags": ["a"]})
    copied = products.duplicate(made, {"sku": "S2"})
    assert (copied["sku"], copied["price"], copied["tags"]) == ("S2", "2.10", ["a"])
    assert copied["id"] != made["id"]


def test_a_cancelled_document_is_amended(client: Any) -> None:
    orders = client.doctype("Order")
    cancelled = orders.cancel(orders.submit(orders.create({"customer": "Ada", "note": "soon"})))
    amended = orders.amend(cancelled, {"note": "now"})
    assert (amended["name"], amended["docstatus"], amended["note"]) == (f"{cancelled['name']}-1", 0, "now")
    assert amended["amended_from"] == cancelled["id"]
    with pytest.raises(ConflictError) as refused:
        orders.amend(cancelled)
    assert refused.value.code == "document_amended"


def test_values_of_python_are_sent_as_the_server_expects_them(client: Any) -> None:
    seen = datetime(2026, 5, 1, 12, tzinfo=UTC)
    made = client.doctype("Product").create(
        {"sku": "S", "price": Decimal("2.10"), "tags": ("a", "b"), "since": date(2026, 1, 31), "seen": seen}
    )
    assert (made["price"], made["tags"], made["since"]) == ("2.10", ["a", "b"], "2026-01-31")
    assert datetime.fromisoformat(made["seen"]) == seen


@pytest.mark.parametrize("value", [datetime(2026, 5, 1), object(), float("nan")])
def test_values_that_no_field_takes_are_refused_before_they_are_sent(shop: Shop, client: Any, value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        client.doctype("Product").create({"sku": value})
    assert shop.network.sent == []


def test_a_document_gets_another_name_once(client: Any) -> None:
    orders = client.doctype("Order")
    read = orders.create({"customer": "Ada"})
    renamed = orders.rename(read, "ORD-1")
    assert (renamed["name"], renamed["_version"]) == ("ORD-1", read["_version"] + 1)
    assert orders.get("ORD-1")["id"] == read["id"]
    with pytest.raises(VersionConflictError):
        orders.rename(read, "ORD-2")
    with pytest.raises(ValidationError):
        orders.rename("ORD-1", "a/b")


@pytest.mark.parametrize("action", ["update", "delete", "submit", "cancel"])
@pytest.mark.parametrize("stated", ["document", "version"])
def test_a_change_of_a_stale_document_is_refused(client: Any, action: str, stated: str) -> None:
    orders = client.doctype("Order")
    read = orders.create({"customer": "Ada"})
    orders.update(read["id"], {"customer": "Bob"})
    arguments = [{"customer": "Eve"}] if action == "update" else []
    target, named = (read, {}) if stated == "document" else (read["id"], {"version": read["_version"]})
    with pytest.raises(VersionConflictError):
        getattr(orders, action)(target, *arguments, **named)
    assert orders.get(read["id"])["customer"] == "Bob"


def test_a_change_by_id_states_no_version(client: Any) -> None:
    products = client.doctype("Product")
    made = products.create({"sku": "S"})
    products.update(made["id"], {"price": 2})
    assert products.update(made["id"], {"price": 3})["price"] == "3.00"
    products.delete(made["name"])
    with pytest.raises(NotFoundError):
        products.get(made["id"])
    with pytest.raises(ValueError, match="the name"):
        products.delete(made["name"] + "x", version=1)
    with pytest.raises(ValueError, match="its id"):
        products.delete({"sku": "S"})


def test_a_permanent_delete_frees_the_values(client: Any) -> None:
    products = client.doctype("Product")
    made = products.create({"sku": "S"})
    with pytest.raises(DuplicateValueError):
        products.create({"sku": "S"})
    products.delete(made, hard=True)
    assert products.create({"sku": "S"})["id"] != made["id"]


def test_names_with_every_character_are_found(client: Any) -> None:
    with pytest.raises(NotFoundError):
        client.doctype("Product").get("a/b ü?x=1#%2F")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (field("price") == Decimal(1), [1]),
        (field("price") != 1, [0, 2, 3]),
        (field("price") < 1, [0]),
        (field("price") <= 1, [0, 1]),
        (field("price") > 2, [3]),
        (field("price") >= 2, [2, 3]),
        (field("price").is_in([1, 3]), [1, 3]),
        (field("price").not_in({1, 3}), [0, 2]),
        (field("price").between(1, 2), [1, 2]),
        (field("sku").like("%02"), [2]),
        (field("sku").ilike("s00%"), [0, 1, 2, 3]),
        (field("sku").contains("3"), [3]),
        (field("sku").starts_with("S00"), [0, 1, 2, 3]),
        (field("tags").has("x"), []),
        (field("since") == None, [0, 1, 2, 3]),  # noqa: E711
        (field("since") != None, []),  # noqa: E711
        ((field("price") > 0) & (field("price") < 3) & (field("sku") != "S001"), [2]),
        ((field("price") == 0) | (field("price") == 1) | (field("price") == 2), [0, 1, 2]),
        (~(field("price") > 1), [0, 1]),
        ([field("price") > 0, {"field": "price", "operator": "lt", "value": "2"}], [1]),
        ({"not": {"field": "price", "operator": "eq", "value": 1}}, [0, 2, 3]),
        (field("sku").is_in([f"S{number:03}" for number in range(1, 400)]), [1, 2, 3]),
    ],
)
def test_filters_reach_what_they_say(client: Any, filters: Filters, expected: list[int]) -> None:
    made = make_products(client, 4)
    products = client.doctype("Product")
    wanted = [made[number]["id"] for number in expected]
    pages = {
        name: find(filters=filters, order_by=["price"], count="exact")
        for name, find in {"list": products.list, "search": products.search}.items()
    }
    found = {name: ([item["id"] for item in page.items], page.total) for name, page in pages.items()}
    assert found == dict.fromkeys(("list", "search"), (wanted, len(wanted)))


def test_short_queries_can_be_cached_and_long_ones_are_searches(shop: Shop, client: Any) -> None:
    products = client.doctype("Product")
    products.list(filters=field("sku") == "S", fields=["sku"], limit=3, include_deleted=True)
    products.list(filters=field("id").is_in(uuid4() for _ in range(100)))
    assert [request.method for request in shop.network.sent] == ["GET", "POST"]


def test_reads_ask_for_titles(shop: Shop, client: Any) -> None:
    products = client.doctype("Product")
    made = products.create({"sku": "T"})
    for titles in (True, False):
        products.get(made["id"], titles=titles)
        products.list(titles=titles)
    asked = [request.url.params.get("titles") for request in shop.network.sent if request.method == "GET"]
    assert asked == ["true", "true", None, "false"]


def test_a_filter_has_no_truth() -> None:
    with pytest.raises(TypeError, match="between"):
        assert 1 < field("price") < 3
    with pytest.raises(TypeError, match="&"):
        assert (field("price") > 1) and (field("price") < 3)


def test_pages_by_offset_and_by_cursor(client: Any) -> None:
    make_products(client, 5)
    products = client.doctype("Product")
    first = products.list(limit=2, order_by=["-price"])
    assert ([item["sku"] for item in first.items], first.has_more, first.total) == (["S004", "S003"], True, None)
    second = products.list(limit=2, order_by=["-price"], cursor=first.next_cursor)
    assert [item["sku"] for item in second.items] == ["S002", "S001"]
    last = products.list(limit=2, order_by=["-price"], offset=4)
    assert ([item["sku"] for item in last.items], last.has_more) == (["S000"], False)


def test_all_pages_are_iterated(shop: Shop, client: Any) -> None:
    make_products(client, 7)
    sent = len(shop.network.sent)
    found = client.doctype("Product").iterate(page_size=3, filters=field("price") > 0, order_by=["-price"])
    assert [item["sku"] for item in found] == [f"S{number:03}" for number in range(6, 0, -1)]
    assert len(shop.network.sent) - sent == 2


def test_documents_by_id_come_in_the_order_of_the_ids(client: Any) -> None:
    made = make_products(client, 5)
    products = client.doctype("Product")
    ids = [made[3]["id"], uuid4(), made[0]["id"]]
    assert [item["sku"] for item in products.get_many(ids, fields=["sku"])] == ["S003", "S000"]
    assert products.get_many([]) == []
    many = [*(uuid4() for _ in range(450)), made[1]["id"]]
    assert [item["sku"] for item in products.get_many(many)] == ["S001"]


def test_problems_are_typed_and_complete(client: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        client.doctype("Product").create({"colour": "red"})
    error = refused.value
    assert (error.status, error.code) == (400, "validation_failed")
    assert {(one.field, one.code) for one in error.errors} == {
        ("colour", "unknown_field"),  ("sku", "required"),
    }  # fmt: skip
    assert error.request_id
    assert "sku" in str(error)
    with pytest.raises(QueryError) as unknown:
        client.doctype("Product").list(order_by=["colour"])
    assert unknown.value.code == "bad_query"
    with pytest.raises(NotFoundError) as missing:
        client.doctype("Nothing").list()
    assert missing.value.code == "doctype_not_found"


def test_methods_and_functions_are_called(client: Any) -> None:
    orders = client.doctype("Order")
    made = orders.create({"customer": "Ada"})
    assert orders.call("annotate", {"note": "soon"}, document=made) == "soon"
    assert orders.get(made["id"])["note"] == "soon"
    make_products(client, 3)
    assert client.call("client_shop.count_products", {"at_least": Decimal(1)}) == 2
    with pytest.raises(NotFoundError) as refused:
        client.call("client_shop.nothing")
    assert refused.value.code == "method_not_found"
