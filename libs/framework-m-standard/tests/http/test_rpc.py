"""Calls over HTTP: only what is declared, by those who may, with arguments that fit; all stored together or not."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest


async def call(site: Any, who: str | None, path: str, **body: Any) -> Any:
    async with site.client(who) as client:
        return await client.post(f"/api/v1/rpc/{path}", json=body)


async def test_a_method_gets_its_document_and_arguments(site: Any) -> None:
    sale = await site.make(lines=[{"text": "a", "price": "2.50"}])
    response = await call(site, "boss", "Sale/priced", doc_id=sale["id"], factor="2")
    assert (response.status_code, response.json()) == (200, {"result": {"title": "one", "total": "5.00"}})
    assert response.headers["cache-control"] == "no-store"
    by_name = await call(site, "boss", "Sale/priced", doc_id=sale["name"])
    assert by_name.json()["result"]["total"] == "2.50"


async def test_a_method_without_a_document_has_none(site: Any) -> None:
    assert (await call(site, "boss", "Sale/has_document")).json() == {"result": False}


async def test_what_a_method_writes_is_stored_with_all_of_it_or_not_at_all(site: Any) -> None:
    sale = await site.make()
    response = await call(site, "boss", "Sale/split", doc_id=sale["id"], parts=2)
    assert len(response.json()["result"]) == 2
    failed = await call(site, "boss", "Sale/split", doc_id=sale["id"], parts=3, breaks=True)
    assert failed.status_code == 500
    async with site.client("boss") as client:
        assert (await client.get("/api/v1/Sale?count=exact")).json()["total"] == 3


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [
        (None, 401, "unauthenticated"),
        ("nobody", 403, "no_grant"),
        ("blue", 403, "no_grant"),
        ("owner", 404, "not_found"),
        ("reader", 403, "outside_scope"),
        ("boss", 200, None),
        ("admin", 200, None),
    ],
)
async def test_the_action_decides_who_may_call_it_on_which_document(
    site: Any, who: str | None, status: int, code: str | None
) -> None:
    sale = await site.make()
    response = await call(site, who, "Sale/priced", doc_id=sale["id"])
    assert (response.status_code, response.json().get("code")) == (status, code)


@pytest.mark.parametrize(
    "path",
    [
        "Sale/validate", "Sale/_private", "Sale/helper", "Sale/doc", "Sale/nonsense", "Hidden/x", "Line/x",
        "Nonsense/x", "fn/os.system", "fn/sales.nonsense", "fn/framework_m.DocType", "fn/helper",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("who", "status", "code"), [(None, 401, "unauthenticated"), ("admin", 404, "method_not_found")]
)
async def test_what_is_not_declared_cannot_be_called(
    site: Any, who: str | None, status: int, code: str, path: str
) -> None:
    response = await call(site, who, path)
    assert (response.status_code, response.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"factor": "x"}, {"factor": "wrong_type"}),
        ({"factor": [], "extra": 1}, {"factor": "wrong_type", "extra": "unknown_field"}),
        ({"self": 1}, {"self": "unknown_field"}),
        ({"doc_id": 5}, {"doc_id": "wrong_type"}),
    ],
)
async def test_arguments_are_checked_by_the_signature(site: Any, body: dict[str, Any], fields: dict[str, str]) -> None:
    sale = await site.make()
    response = await call(site, "boss", "Sale/priced", **{"doc_id": sale["id"], **body})
    assert response.status_code == 400
    assert {error["field"]: error["code"] for error in response.json()["errors"]} == fields


async def test_arguments_without_end_are_refused_before_they_are_looked_at(site: Any) -> None:
    sale = await site.make()
    many = {f"x{number}": 1 for number in range(201)}
    response = await call(site, "boss", "Sale/priced", doc_id=sale["id"], **many)
    assert (response.status_code, [error["code"] for error in response.json()["errors"]]) == (400, ["out_of_bounds"])


async def test_a_missing_document_is_404(site: Any) -> None:
    for ref in (str(uuid4()), "nobody's"):
        assert (await call(site, "boss", "Sale/priced", doc_id=ref)).status_code == 404, ref


async def test_functions_get_what_they_name_and_what_is_sent(site: Any) -> None:
    await site.make(title="a")
    await site.make(title="b")
    response = await call(site, "boss", "fn/sales.titles", starting="b")
    assert response.json() == {"result": {"titles": ["b"], "asked_by": "boss"}}
    assert (await call(site, "nobody", "fn/sales.titles", starting="b")).json()["code"] == "no_grant"
    assert (await call(site, None, "fn/sales.titles", starting="b")).status_code == 401
    assert (await call(site, "boss", "fn/sales.titles", documents="x", starting="b")).status_code == 400


async def test_guests_call_what_allows_them_and_see_no_more_than_guests(site: Any) -> None:
    assert (await call(site, None, "fn/sales.ping")).json() == {"result": "pong"}
    assert (await call(site, None, "fn/sales.all_titles")).status_code == 401
    assert (await call(site, None, "Sale/greet")).json() == {"result": "hello"}


async def test_what_acts_as_the_system_says_why_and_is_audited(site: Any) -> None:
    made = (await call(site, None, "fn/sales.sign_up", title="from outside")).json()["result"]
    [entry] = await site.audits("Sale", made)
    assert (entry.actor, entry.reason) == ("", "a guest signs up")


async def test_other_methods_and_bad_bodies_are_refused(site: Any) -> None:
    async with site.client("boss") as client:
        assert (await client.get("/api/v1/rpc/Sale/priced")).status_code == 405
        for content in (b"[]", b"{", b'"x"'):
            response = await client.post(
                "/api/v1/rpc/Sale/priced", content=content, headers={"content-type": "application/json"}
            )
            assert (response.status_code, response.json()["code"]) == (400, "malformed_body"), content
        assert (await client.post("/api/v1/rpc/Sale/priced?x=1")).status_code == 400
        assert (await client.post("/api/v1/rpc/Sale")).status_code == 404


async def test_a_method_needs_its_document_unless_it_is_about_none(site: Any) -> None:
    missing = await call(site, "boss", "Sale/priced")
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (400, "required")
    sale = await site.make()
    unwanted = await call(site, "boss", "Sale/has_document", doc_id=sale["id"])
    assert (unwanted.status_code, unwanted.json()["errors"][0]["code"]) == (400, "unknown_field")


async def test_a_document_itself_is_no_answer(site: Any) -> None:
    """Its caller may not see all of it."""
    sale = await site.make(secret="hush")
    response = await call(site, "boss", "Sale/leaks", doc_id=sale["id"])
    assert (response.status_code, "hush" in response.text) == (500, False)


@pytest.mark.parametrize("sent", ['{"count": 11}', '{"count": 0}'])
async def test_bounds_in_annotations_hold(site: Any, sent: str) -> None:
    assert (await raw(site, "fn/sales.several", sent)).status_code == 400
    assert (await raw(site, "fn/sales.several", '{"count": 2, "label": "x"}')).json() == {"result": "xx"}


@pytest.mark.parametrize("value", ['"NaN"', '"Infinity"', "1e999", '"\\u0000"', '"\\ud800"'])
async def test_no_number_that_no_store_could_hold_reaches_a_function(site: Any, value: str) -> None:
    body = f'{{"shape": {{"kind": "square", "side": 2}}, "factor": {value}}}'
    assert (await raw(site, "fn/sales.area", body)).status_code == 400


async def test_a_float_takes_each_integer_as_fields_do(site: Any) -> None:
    body = f'{{"shape": {{"kind": "square", "side": 2}}, "factor": {2**70}}}'
    assert (await raw(site, "fn/sales.area", body)).json() == {"result": 4 * 2.0**70}


@pytest.mark.parametrize("value", ['"NaN"', '"Infinity"', "1e999", "1180591620717411303424", '"\\u0000"', '"\\ud800"'])
async def test_what_no_store_could_hold_does_not_reach_a_function(site: Any, value: str) -> None:
    for body in (
        f'{{"shape": {{"kind": "square", "side": {value}}}}}',
        f'{{"shape": {{"kind": {value}, "side": 2}}}}',
    ):
        assert (await raw(site, "fn/sales.area", body)).status_code == 400, body
    assert (await raw(site, "fn/sales.several", f'{{"count": 1, "label": {value}}}')).status_code in {200, 400}


async def raw(site: Any, path: str, body: str) -> Any:
    async with site.client() as client:
        headers = {"content-type": "application/json"}
        return await client.post(f"/api/v1/rpc/{path}", content=body, headers=headers)


async def test_an_answer_that_cannot_be_sent_undoes_the_call(site: Any) -> None:
    response = await call(site, None, "fn/sales.unsendable")
    assert response.status_code == 500
    async with site.client("boss") as client:
        assert (await client.get("/api/v1/Sale?count=exact")).json()["total"] == 0


async def test_a_call_that_is_tried_again_gets_its_arguments_anew(site: Any) -> None:
    response = await call(site, None, "fn/sales.consumes", lines=[{"parts": [1, 2]}, {"parts": [3]}])
    assert response.json() == {"result": 3}


@pytest.mark.parametrize("path", ["Sale/priced", "Sale/nonsense", "fn/sales.titles", "fn/sales.nonsense"])
async def test_bodies_of_those_who_may_not_call_are_not_looked_at(site: Any, path: str) -> None:
    assert (await raw(site, path, "{")).status_code == 401


async def test_what_a_method_makes_of_its_document_is_one_update(site: Any) -> None:
    sale = await site.make(lines=[{"text": "a", "price": "2.50"}])
    response = await call(site, "boss", "Sale/retitle", doc_id=sale["id"], title="new", first_line="b")
    assert (response.status_code, response.json()) == (200, {"result": "new"})
    async with site.client("boss") as client:
        stored = (await client.get(f"/api/v1/Sale/{sale['id']}")).json()
    assert (stored["title"], stored["lines"][0]["text"], stored["_version"]) == ("new", "b", sale["_version"] + 1)
    again = await call(site, "boss", "Sale/retitle", doc_id=sale["id"], title="new", first_line="b")
    assert again.status_code == 200
    async with site.client("boss") as client:
        assert (await client.get(f"/api/v1/Sale/{sale['id']}")).json() == stored


async def test_a_method_changes_its_document_within_its_action_and_its_rules(site: Any) -> None:
    sale = await site.make()
    assert (await call(site, "boss", "Sale/retitle_unasked", doc_id=sale["id"])).status_code == 500
    assert (await call(site, "boss", "Sale/retitle", doc_id=sale["id"], title="break")).status_code == 500
    async with site.client("boss") as client:
        assert (await client.get(f"/api/v1/Sale/{sale['id']}")).json()["_version"] == sale["_version"]
        await client.post(f"/api/v1/Sale/{sale['id']}/submit")
    refused = await call(site, "boss", "Sale/retitle", doc_id=sale["id"], title="late")
    assert (refused.status_code, refused.json()["code"]) == (409, "document_submitted")


@pytest.mark.parametrize("how", ["update", "rename", "submit", "delete"])
async def test_a_method_that_assigns_and_also_writes_the_document_is_refused(site: Any, how: str) -> None:
    """It is the fault of the method: neither another's conflict, nor is one of both changes lost."""
    sale = await site.make()
    refused = await call(site, "admin", "Sale/retitle_twice", doc_id=sale["id"], how=how)
    assert refused.status_code == 500
    async with site.client("admin") as client:
        assert (await client.get(f"/api/v1/Sale/{sale['id']}")).json() == sale
    stored = await call(site, "admin", "Sale/retitle_twice", doc_id=sale["id"], how=how, assigns=False)
    assert stored.status_code == 200
