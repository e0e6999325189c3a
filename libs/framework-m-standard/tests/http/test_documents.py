"""Documents over HTTP: what goes in, what comes out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.errors import assert_names

STRANGER = "0190d3a1-0000-7000-8000-000000000000"


async def test_create_answers_with_the_document_and_where_it_is(site: Any) -> None:
    async with site.client("boss") as client:
        made = await client.post("/api/v1/Sale", json={"title": "ü", "lines": [{"text": "a", "price": "1.5"}]})
        assert made.status_code == 201
        document = made.json()
        assert made.headers["location"] == f"/api/v1/Sale/{document['id']}"
        assert made.headers["etag"].startswith(f'"{document["id"]}-1-')
        assert made.headers["content-type"] == "application/json"
        read = await client.get(made.headers["location"])
    assert read.json() == document
    assert (document["total"], document["lines"][0]["price"]) == ("1.50", "1.50")
    assert document["creation"].endswith("Z")
    assert document["docstatus"] == 0


async def test_decimals_are_exact_and_padded_whatever_their_scale(site: Any) -> None:
    async with site.client("boss") as client:
        for given, served in ((b"0.00000001", "0.00000001"), (b'"1"', "1.00000000"), (b"0", "0.00000000")):
            body = b'{"title": "a", "rate": ' + given + b"}"
            made = await client.post("/api/v1/Sale", content=body, headers={"content-type": "application/json"})
            assert made.json()["rate"] == served, given
        page = (await client.get("/api/v1/Sale")).json()
        assert [item["rate"] for item in page["items"]] == ["0.00000000", "1.00000000", "0.00000001"]
        body = b'{"title": "a", "rate": 0.000000001}'
        refused = await client.post("/api/v1/Sale", content=body, headers={"content-type": "application/json"})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "rate"


async def test_json_keeps_large_integers_whole(site: Any) -> None:
    number = 2**63 - 1
    document = await site.make(extra={"n": number, "list": [1, "ü", None, True]})
    assert document["extra"] == {"n": number, "list": [1, "ü", None, True]}
    async with site.client("boss") as client:
        response = await client.post("/api/v1/Sale", json={"title": "a", "extra": {"n": number + 1}})
    assert response.status_code == 400


async def test_a_document_gets_another_name(site: Any) -> None:
    document, other = await site.make(), await site.make()
    path = f"/api/v1/Sale/{document['id']}/rename"
    async with site.client("boss") as client:
        once = {"Idempotency-Key": "rename-1"}
        renamed = await client.post(path, json={"name": "First", "_version": 1}, headers=once)
        assert (renamed.status_code, renamed.json()["name"], renamed.json()["_version"]) == (200, "First", 2)
        again = await client.post(path, json={"name": "First", "_version": 1}, headers=once)
        assert (again.status_code, again.content) == (200, renamed.content)
        assert (await client.get("/api/v1/Sale/First")).json() == renamed.json()
        stale = await client.post(path, json={"name": "Second"}, headers={"If-Match": f'"{document["id"]}-1-x"'})
        taken = await client.post(path, json={"name": other["name"]})
        wrong = await client.post(path, json={"name": 5, "title": "x"})
    assert [(one.status_code, one.json()["code"]) for one in (stale, taken, wrong)] == [
        (412, "precondition_failed"), (409, "duplicate_name"), (400, "validation_failed")
    ]  # fmt: skip
    assert [(error["field"], error["code"]) for error in wrong.json()["errors"]] == [
        ("title", "unknown_field"), ("name", "wrong_type")
    ]  # fmt: skip


async def test_a_whole_life(site: Any) -> None:
    document = await site.make()
    path = f"/api/v1/Sale/{document['id']}"
    async with site.client("boss") as client:
        assert (await client.patch(path, json={"title": "two"})).json()["title"] == "two"
        assert (await client.put(path, json={**(await client.get(path)).json(), "title": "three"})).status_code == 200
        submitted = await client.post(f"{path}/submit")
        assert (submitted.status_code, submitted.json()["docstatus"]) == (200, 1)
        assert (await client.patch(path, json={"title": "four"})).json()["code"] == "document_submitted"
        assert (await client.delete(path)).status_code == 409
        assert (await client.post(f"{path}/cancel", json={"_version": 4})).json()["docstatus"] == 2
        gone = await client.delete(path)
        assert (gone.status_code, gone.content) == (204, b"")
        assert (await client.get(path)).status_code == 404
        assert (await client.delete(path)).status_code == 404
        assert (await client.delete(f"{path}?hard=true")).status_code == 204


async def test_a_name_reaches_a_document_too(site: Any) -> None:
    async with site.client("admin") as client:
        made = await client.post("/api/v1/Tag", json={"name": "a b/ü".replace("/", "-"), "text": "x"})
        assert made.status_code == 201
        assert (await client.get("/api/v1/Tag/a%20b-%C3%BC")).json() == made.json()
        assert (await client.get(f"/api/v1/Tag/{made.json()['id'].upper()}")).json() == made.json()
        assert (await client.post("/api/v1/Tag", json={"name": "a b-ü"})).json()["code"] == "duplicate_name"


async def test_a_page(site: Any) -> None:
    for number in range(3):
        await site.make(title=str(number))
    async with site.client("boss") as client:
        page = (await client.get("/api/v1/Sale?limit=2&order_by=title&fields=title&count=exact")).json()
        assert page.keys() == {"items", "total", "limit", "offset", "has_more", "next_cursor"}
        assert [item["title"] for item in page["items"]] == ["0", "1"]
        assert page["items"][0].keys() == {"id", "name", "_version", "title"}
        assert (page["total"], page["limit"], page["offset"], page["has_more"]) == (3, 2, 0, True)
        rest = await client.get(
            "/api/v1/Sale", params={"order_by": "title", "cursor": page["next_cursor"], "fields": "title"}
        )
        assert [item["title"] for item in rest.json()["items"]] == ["2"]
        assert (rest.json()["total"], rest.json()["has_more"], rest.json()["next_cursor"]) == (None, False, None)
        filters = json.dumps({"or": [{"field": "title", "operator": "in", "value": ["1", "9"]}]})
        found = (await client.get("/api/v1/Sale", params={"filters": filters})).json()
        assert [item["title"] for item in found["items"]] == ["1"]
        assert "lines" not in found["items"][0]


async def test_expand_puts_the_linked_document_in_place(site: Any) -> None:
    partner = await site.make(title="partner", rate="0.00000001")
    document = await site.make(partner=partner["id"])
    async with site.client("boss") as client:
        response = await client.get(f"/api/v1/Sale/{document['id']}?fields=title,partner&expand=partner")
    assert response.json()["partner"]["title"] == "partner"
    assert response.json()["partner"]["rate"] == "0.00000001"


async def test_what_a_caller_may_not_read_is_not_served(site: Any) -> None:
    document = await site.make(secret="s", lines=[{"text": "a", "margin": "2"}])
    path = f"/api/v1/Sale/{document['id']}"
    async with site.client("reader") as client:
        read = (await client.get(path)).json()
        assert "secret" not in read
        assert read["lines"][0].keys() == {"id", "text", "price", "code"}
        refused = await client.post("/api/v1/Sale", json={"title": "a", "color": "blue", "secret": "x"})
        assert refused.json()["errors"] == [
            {
                "field": "secret",
                "code": "unknown_field",
                "message": refused.json()["errors"][0]["message"],
                "params": {},
            }
        ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": None},
        {"title": 1},
        {"title": "a", "nope": 1},
        {"title": "a", "id": STRANGER},
        {"title": "a", "owner": "x"},
        {"title": "a", "_version": 1},
        {"title": "a", "docstatus": 1},
        {"title": "a", "name": "x"},
        {"title": "a", "total": "1"},
        {"title": "a", "color": "green"},
        {"title": "a", "title\u0000": 1},
        {"title": "a\u0000"},
        {"title": "a", "partner": STRANGER},
        {"title": "a", "partner": "x"},
        {"title": "a", "lines": [{"text": "a", "price": "-1"}]},
        {"title": "a", "lines": [{"text": "a", "id": STRANGER}]},
        {"title": "a", "lines": {}},
        {"title": "a", "extra": []},
    ],
    ids=str,
)
async def test_bad_bodies(site: Any, body: dict[str, Any]) -> None:
    async with site.client("boss") as client:
        response = await client.post("/api/v1/Sale", json=body)
    problem = response.json()
    assert response.status_code == 400, problem
    assert problem["errors"]
    assert all(error.keys() == {"field", "code", "message", "params"} for error in problem["errors"])


async def test_paths_of_errors_in_rows(site: Any) -> None:
    async with site.client("boss") as client:
        response = await client.post("/api/v1/Sale", json={"title": "a", "lines": [{"text": "a"}, {"price": "x"}]})
    assert {error["field"] for error in response.json()["errors"]} == {"lines.1.price"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "Sale?x=1"), ("PUT", "Sale/{id}?hard=true"), ("PATCH", "Sale/{id}?fields=title"),
     ("DELETE", "Sale/{id}?hard=yes"), ("DELETE", "Sale/{id}?soft=true"), ("POST", "Sale/{id}/submit?x=1"),
     ("GET", "Sale/{id}?limit=1"), ("GET", "Sale/{id}?fields=nope"), ("GET", "Sale/{id}?expand=title")],
)  # fmt: skip
async def test_unknown_parameters(site: Any, method: str, path: str) -> None:
    path = path.replace("{id}", (await site.make())["id"])
    bodies: dict[str, Any] = {"POST": {"title": "a"}, "PUT": {"title": "a", "_version": 1}, "PATCH": {"title": "a"}}
    body = None if path.partition("?")[0].endswith("submit") else bodies.get(method)
    async with site.client("boss") as client:
        response = await client.request(method, f"/api/v1/{path}", json=body)
    assert (response.status_code, response.json()["code"]) == (400, "bad_query")


async def test_transitions_take_no_fields(site: Any) -> None:
    document = await site.make()
    async with site.client("boss") as client:
        for path in ("submit", "cancel"):
            response = await client.post(f"/api/v1/Sale/{document['id']}/{path}", json={"title": "a"})
            assert response.status_code == 400, path
    async with site.client("admin") as client:
        tag = (await client.post("/api/v1/Tag", json={"name": "a"})).json()
        assert (await client.post(f"/api/v1/Tag/{tag['id']}/submit")).status_code == 400


async def test_media_and_size_are_looked_at_only_for_who_may_write(site: Any) -> None:
    text = {"content-type": "text/plain"}
    for name, status in ((None, 401), ("nobody", 403), ("boss", 415)):
        async with site.client(name) as client:
            assert (await client.post("/api/v1/Sale", content=b"{", headers=text)).status_code == status, name


async def test_the_body_limit_is_configured(open_site: Any) -> None:
    async with open_site(max_body_mb=1) as site, site.client("boss") as client:
        body = json.dumps({"title": "a", "extra": {"x": "y" * 1024 * 1024}}).encode()

        async def chunks() -> Any:
            for start in range(0, len(body), 65536):
                yield body[start : start + 65536]

        headers = {"content-type": "application/json"}
        for content in (body, chunks()):
            response = await client.post("/api/v1/Sale", content=content, headers=headers)
            assert (response.status_code, response.json()["code"]) == (413, "body_too_large"), type(content).__name__
        login = await client.post("/api/v1/auth/login", content=body, headers=headers)
        assert (login.status_code, login.json()["code"]) == (413, "body_too_large")
        assert (await client.get("/api/v1/Sale")).json()["items"] == []


async def test_guests_create_and_read_where_the_doctype_says_so(site: Any) -> None:
    async with site.client() as client:
        made = await client.post("/api/v1/Tag", json={"name": "guest"})
        assert made.status_code == 201
        assert (await client.get(f"/api/v1/Tag/{made.json()['id']}")).json() == made.json()
        assert (await client.get("/api/v1/Tag")).json()["items"][0]["name"] == "guest"
        assert (await client.patch("/api/v1/Tag/guest", json={"text": "x"})).status_code == 401


async def test_all_errors_of_a_body_are_told_at_once(site: Any) -> None:
    body = {"colour": "blue", "rate": "abc", "lines": [{"price": "x"}, {"txet": "a"}], "owner": "me"}
    async with site.client("boss") as client:
        errors = (await client.post("/api/v1/Sale", json=body)).json()["errors"]
    told = {error["field"]: error["code"] for error in errors}
    assert told == {
        "colour": "unknown_field",
        "owner": "not_writable",
        "rate": "wrong_type",
        "lines.0.price": "wrong_type",
        "lines.1.txet": "unknown_field",
        "title": "required",
    }
    params = {error["field"]: error["params"] for error in errors}
    assert params["colour"] == {"suggestion": "color"}
    assert params["lines.1.txet"] == {"suggestion": "text"}
    assert params["rate"] == {"type": "decimal"}


async def test_a_hidden_field_is_not_suggested(site: Any) -> None:
    async with site.client("reader") as client:
        refused = await client.post("/api/v1/Sale", json={"title": "a", "color": "blue", "secrte": "x"})
    [error] = refused.json()["errors"]
    assert (error["field"], "secret" in str(error["params"]), "secret" in error["message"]) == ("secrte", False, False)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"title": None}, "wrong_type"),
        ({"lines": [{"text": "a", "price": "-1"}]}, "out_of_bounds"),
        ({"color": "green"}, "not_a_choice"),
    ],
)
async def test_errors_have_few_codes(site: Any, values: dict[str, Any], code: str) -> None:
    async with site.client("boss") as client:
        response = await client.post("/api/v1/Sale", json={"title": "a", "color": "red", **values})
    assert [error["code"] for error in response.json()["errors"]] == [code]


async def test_an_if_match_that_is_no_tag_of_the_document_is_said_so(site: Any) -> None:
    document = await site.make()
    async with site.client("boss") as client:
        refused = await client.patch(f"/api/v1/Sale/{document['id']}", json={"title": "b"}, headers={"if-match": '"1"'})
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")
    assert_names(refused.json()["detail"], "ETag", "If-Match")


async def test_a_body_of_very_many_fields_is_refused_as_a_whole(site: Any) -> None:
    many = {f"field_{number}": 1 for number in range(2_000)}
    async with site.client("boss") as client:
        whole = await client.post("/api/v1/Sale", json=many)
        row = await client.post("/api/v1/Sale", json={"title": "a", "lines": [many]})
        rows = await client.post("/api/v1/Sale", json={"title": "a", "lines": [{"x": 1}] * 5_000})
    assert [error["code"] for error in whole.json()["errors"]] == ["out_of_bounds"]
    assert [(error["field"], error["code"]) for error in row.json()["errors"]] == [("lines.0", "out_of_bounds")]
    assert len(rows.json()["errors"]) == 100


@pytest.mark.parametrize("raw", ["1_000", "\uff11", " 1 ", "1e99999", "Infinity", "0x1", ""])
async def test_a_decimal_is_digits_as_everybody_writes_them(site: Any, raw: str) -> None:
    async with site.client("boss") as client:
        response = await client.post("/api/v1/Sale", json={"title": "a", "rate": raw})
    assert [error["field"] for error in response.json()["errors"]] == ["rate"]


@pytest.mark.parametrize("field", ["title", "extra"])
async def test_a_large_target_is_not_repeated_without_end(site: Any, field: str) -> None:
    long = "a" * 3_000_000
    target = await site.make(**({"title": long} if field == "title" else {"extra": {"long": long}}))
    for _ in range(4):
        await site.make(partner=target["id"])
    async with site.client("boss") as client:
        path = "/api/v1/Sale?fields=partner&expand=partner&limit="
        assert (await client.get(path + "2")).status_code == 200
        refused = await client.get(path + "3")
    assert (refused.status_code, refused.json()["code"]) == (400, "answer_too_large")


async def test_a_cancelled_document_is_amended_once(site: Any) -> None:
    document = await site.make()
    path = f"/api/v1/Sale/{document['id']}"
    async with site.client("boss") as client:
        early = await client.post(f"{path}/amend")
        for step in ("submit", "cancel"):
            cancelled = await client.post(f"{path}/{step}")
        once = {"Idempotency-Key": "amend-1", "If-Match": cancelled.headers["etag"]}
        stale = await client.post(f"{path}/amend", headers={"If-Match": f'"{document["id"]}-1-x"'})
        made = await client.post(f"{path}/amend", json={"title": "again"}, headers=once)
        repeated = await client.post(f"{path}/amend", json={"title": "again"}, headers=once)
        second = await client.post(f"{path}/amend")
        linked = await client.delete(path)
        read = await client.get(made.headers["location"])
        meta = (await client.get("/api/meta/Sale")).json()
    assert (early.status_code, early.json()["code"]) == (409, "document_submitted")
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert made.status_code == repeated.status_code == 201 and made.content == repeated.content
    body = made.json()
    assert (body["title"], body["docstatus"], body["amended_from"]) == ("again", 0, document["id"])
    assert read.json() == body
    assert (second.status_code, second.json()["code"]) == (409, "document_amended")
    assert (linked.status_code, linked.json()["code"], linked.json()["others"]) == (409, "document_linked", 0)
    assert linked.json()["linked_by"] == [{"doctype": "Sale", "id": body["id"], "name": body["name"]}]
    [field] = [one for one in meta["fields"] if one["name"] == "amended_from"]
    assert (field["link"], field["read_only"], meta["permissions"]["amend"]) == ("Sale", True, True)


async def test_a_document_is_duplicated_once(site: Any) -> None:
    document = await site.make()
    path = f"/api/v1/Sale/{document['id']}/duplicate"
    async with site.client("boss") as client:
        once = {"Idempotency-Key": "duplicate-1"}
        made = await client.post(path, json={"title": "copy"}, headers=once)
        assert (made.status_code, made.json()["title"]) == (201, "copy")
        assert made.json()["id"] != document["id"]
        assert made.headers["location"] == f"/api/v1/Sale/{made.json()['id']}" and made.headers["etag"]
        await client.delete(f"/api/v1/Sale/{document['id']}")
        again = await client.post(path, json={"title": "copy"}, headers=once)
        assert (again.status_code, again.content) == (201, made.content)
        gone = await client.post(path)
        bare = await client.post(f"/api/v1/Sale/{made.json()['id']}/duplicate")
        wrong = await client.post(f"/api/v1/Sale/{made.json()['id']}/duplicate?x=1", json={"nope": 1})
    assert (gone.status_code, bare.status_code, bare.json()["title"]) == (404, 201, "copy")
    assert [(error["field"], error["code"]) for error in wrong.json()["errors"]] == [
        ("x", "unknown_parameter"), ("nope", "unknown_field")
    ]  # fmt: skip
