"""Entity tags, and what they are good for."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.services.rows.projection import serialize
from framework_m_standard.http.wire.etags import compute_document_etag, find_current_etag, write_conditions


@given(st.uuids(), st.integers(1, 2**53), st.sampled_from(["0123456789abcdef", None]), st.sampled_from(["", "W/"]))
def test_a_tag_reads_back(identifier: UUID, version: int, fingerprint: str | None, weak: str) -> None:
    tag = compute_document_etag(serialize({"id": identifier, "_version": version}, fingerprint), b"x")
    plain = f'"{identifier}-{version}"'
    for sent in (f"{weak}{tag}", f'"x", {weak}{tag[:-1]}-gz"', plain):
        conditions = write_conditions({b"if-match": sent.encode()})
        assert conditions is not None, sent
        assert conditions.hold(identifier, version), sent
        assert not conditions.hold(identifier, version + 1), sent
        assert not find_current_etag({b"if-match": sent.encode()}, tag), sent
    assert find_current_etag({b"if-none-match": f'"x", {weak}{tag}'.encode()}, tag)
    for headers in ({}, {b"if-none-match": plain.encode()}):
        assert not find_current_etag(headers, tag), headers


@given(st.binary(max_size=60))
def test_any_header_is_understood_or_matches_nothing(header: bytes) -> None:
    conditions = write_conditions({b"if-match": header})
    assert conditions is not None
    assert conditions.hold(UUID(int=0), 1) == (header.strip() == b"*")
    assert find_current_etag({b"if-none-match": header}, '"a"') in {None, '"a"', '"a-gz"', '"a-zst"'}


async def test_a_client_that_has_the_document_gets_no_body(site: Any) -> None:
    document = await site.make()
    path = f"/api/v1/Sale/{document['id']}"
    async with site.client("boss") as client:
        etag = (await client.get(path)).headers["etag"]
        assert re.fullmatch(f'"{document["id"]}-1-[0-9a-f]{{16}}"', etag)
        for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            response = await client.get(path, headers={"if-none-match": known})
            assert (response.status_code, response.content) == (304, b""), known
            assert response.headers["etag"] == etag, known
            assert response.headers["cache-control"] == "private, no-cache", known
        assert (await client.get(path, headers={"if-none-match": '"other"'})).status_code == 200
        for query in ("fields=title", "expand=partner", "fields=title&expand=partner"):
            response = await client.get(f"{path}?{query}", headers={"if-none-match": etag})
            assert response.status_code == 200, query
            own = response.headers["etag"]
            assert re.fullmatch(f'"{document["id"]}-1-[0-9a-f]{{32}}"', own), query
            again = await client.get(f"{path}?{query}", headers={"if-none-match": own})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", own), query


async def test_a_tag_is_not_good_for_who_may_read_less(site: Any) -> None:
    document = await site.make(secret="hidden", lines=[{"text": "a", "margin": "2"}])
    for path in (f"/api/v1/Sale/{document['id']}", "/api/v1/Sale", "/api/meta/Sale"):
        async with site.client("boss") as client:
            etag = (await client.get(path)).headers["etag"]
        async with site.client("reader") as client:
            shown = await client.get(path, headers={"if-none-match": etag})
            assert (shown.status_code, "hidden" in shown.text) == (200, False), path
            assert shown.headers["etag"] != etag, path
            assert (await client.get(path, headers={"if-none-match": shown.headers["etag"]})).status_code == 304, path


async def test_the_tag_of_a_write_is_that_of_the_document(site: Any) -> None:
    async with site.client() as client:
        made = await client.post("/api/v1/Tag", json={"name": "guest"})
        read = await client.get("/api/v1/Tag/guest")
    assert (made.headers["etag"], made.content) == (read.headers["etag"], read.content)


async def test_a_page_that_the_client_has_is_not_sent_again(site: Any) -> None:
    document = await site.make()
    async with site.client("boss") as client:
        for path in ("/api/v1/Sale", "/api/v1/Sale?fields=title&limit=1&count=exact"):
            page = await client.get(path)
            etag = page.headers["etag"]
            again = await client.get(path, headers={"if-none-match": f'"other", W/{etag}'})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag), path
            await client.patch(f"/api/v1/Sale/{document['id']}", json={"title": path})
            changed = await client.get(path, headers={"if-none-match": etag})
            assert (changed.status_code, changed.json()["items"][0]["title"]) == (200, path), path


async def test_caches_keep_users_apart(site: Any) -> None:
    document = await site.make()
    async with site.client("boss") as client:
        for path in (f"/api/v1/Sale/{document['id']}", "/api/v1/Sale", "/api/meta", "/api/meta/Sale"):
            headers = (await client.get(path)).headers
            assert headers["cache-control"] == "private, no-cache", path
            assert headers["vary"].startswith("authorization, cookie, x-api-key, origin"), path


async def test_put_says_which_version_it_replaces(site: Any) -> None:
    document = await site.make()
    path = f"/api/v1/Sale/{document['id']}"
    async with site.client("boss") as client:
        assert (await client.put(path, json={"title": "a"})).status_code == 428
        assert (await client.put(path, json={"title": "a", "_version": None})).status_code == 428
        assert (await client.put(path, json={"title": "a", "_version": 1})).json()["_version"] == 2
        stale = await client.put(path, json={"title": "b", "_version": 1})
        assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")
        assert (await client.put(path, json={"title": "b", "_version": "2"})).status_code == 400


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
async def test_if_match_wins_over_the_version(site: Any, method: str) -> None:
    document = await site.make()
    path, tag = f"/api/v1/Sale/{document['id']}", f'"{document["id"]}-1"'
    async with site.client("boss") as client:
        changed = await client.request(method, path, json={"title": "a", "_version": 77}, headers={"if-match": tag})
        assert changed.status_code == 200
        assert changed.headers["etag"].startswith(f'"{document["id"]}-2-')
        stale = await client.request(method, path, json={"title": "b", "_version": 2}, headers={"if-match": tag})
        assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
        anything = await client.request(method, path, json={"title": "c", "_version": 1}, headers={"if-match": "*"})
        assert anything.status_code == 200
        versions: tuple[Any, ...] = ({}, "1", 1.5, True)
        for wrong in versions:
            unsound = await client.request(
                method, path, json={"title": "d", "_version": wrong}, headers={"if-match": "*"}
            )
            assert unsound.status_code == 400


@pytest.mark.parametrize(
    "tag", ['"{other}-1"', 'W/"{id}-2"', '"x"', "1", '""', '"{id}-01"', '"{id}-99999999999999999999"', '"{id}-0"']
)
async def test_tags_that_are_not_the_documents_are_stale(site: Any, tag: str) -> None:
    document = await site.make()
    tag = tag.replace("{id}", document["id"]).replace("{other}", str(uuid4()))
    async with site.client("boss") as client:
        path = f"/api/v1/Sale/{document['id']}"
        for response in (
            await client.patch(path, json={"title": "a"}, headers={"if-match": tag}),
            await client.post(f"{path}/submit", headers={"if-match": tag}),
            await client.delete(path, headers={"if-match": tag}),
        ):
            assert response.status_code == 412, response.text


async def test_one_of_several_tags_is_enough(site: Any) -> None:
    document = await site.make()
    path, tag = f"/api/v1/Sale/{document['id']}", '"{0}-9", "{0}-1"'.format(document["id"])
    async with site.client("boss") as client:
        assert (await client.patch(path, json={"title": "a"}, headers={"if-match": tag})).status_code == 200
        assert (await client.patch(path, json={"title": "a"}, headers={"if-match": tag})).status_code == 412


async def test_a_name_is_tied_to_the_id_of_the_tag(site: Any) -> None:
    async with site.client("admin") as client:
        first = (await client.post("/api/v1/Tag", json={"name": "a"})).json()
        tag = f'"{first["id"]}-1"'
        changed = await client.patch("/api/v1/Tag/a", json={"text": "x"}, headers={"if-match": tag})
        assert changed.status_code == 200
        assert (await client.delete("/api/v1/Tag/a", headers={"if-match": changed.headers["etag"]})).status_code == 204
        second = (await client.post("/api/v1/Tag", json={"name": "a"})).json()
        assert second["_version"] == 1
        assert (await client.patch("/api/v1/Tag/a", json={"text": "y"}, headers={"if-match": tag})).status_code == 412
        gone = await client.patch("/api/v1/Tag/none", json={"text": "y"}, headers={"if-match": tag})
        assert gone.status_code == 404


async def test_if_match_guards_transitions(site: Any) -> None:
    document = await site.make()
    path = f"/api/v1/Sale/{document['id']}"
    async with site.client("boss") as client:
        done = await client.post(f"{path}/submit", headers={"if-match": f'"{document["id"]}-1"'})
        assert done.json()["docstatus"] == 1
        assert (await client.post(f"{path}/cancel", json={"_version": 1})).status_code == 409
        done = await client.post(f"{path}/cancel", json={"_version": 2})
        assert (done.status_code, done.json()["docstatus"]) == (200, 2)


READS = ["Sale/{id}", "Sale/{id}?fields=title", "Sale/{id}?expand=partner", "Sale", "Sale?limit=1", "meta", "meta/Sale"]


@pytest.mark.parametrize("path", READS)
async def test_a_read_holds_to_its_conditions_in_their_order(site: Any, path: str) -> None:
    document = await site.make()
    at = f"/api/{path}" if path.startswith("meta") else f"/api/v1/{path.replace('{id}', document['id'])}"
    async with site.client("boss") as client:
        tag = (await client.get(at)).headers["etag"]
        for method in ("GET", "HEAD"):
            for match, none_match, status in (
                (tag, None, 200), (f'"x", W/{tag}', None, 200), ("*", None, 200), ('"x"', None, 412), ("", None, 412),
                (tag, tag, 304), ("*", "*", 304), (tag, '"x"', 200), ('"x"', tag, 412), ('"x"', "*", 412),
                (None, f"W/{tag}", 304), (None, '"x"', 200),
            ):  # fmt: skip
                given = {"if-match": match, "if-none-match": none_match}
                sent = {name: value for name, value in given.items() if value is not None}
                response = await client.request(method, at, headers=sent)
                assert response.status_code == status, (method, sent)
                if (method, status) == ("GET", 412):
                    assert response.json()["code"] == "precondition_failed", (method, (match, none_match))
    if "{id}" in path:
        async with site.client("boss") as client:
            assert (await client.get(at, headers={"if-match": f'"{document["id"]}-1"'})).status_code == 200
            await client.patch(f"/api/v1/Sale/{document['id']}", json={"title": "two"})
            assert (await client.get(at, headers={"if-match": tag})).status_code == 412


@pytest.mark.parametrize("headers", [{"if-match": '"x"'}, {"if-none-match": "*"}])
async def test_what_is_refused_anyway_is_refused_so(site: Any, headers: dict[str, str]) -> None:
    document = await site.make()
    path = f"/api/v1/Sale/{document['id']}"
    for name, method, at, status in (
        (None, "GET", path, 401), ("nobody", "GET", path, 403), ("boss", "GET", f"/api/v1/Sale/{uuid4()}", 404),
        ("boss", "GET", f"{path}?x=1", 400), (None, "PATCH", path, 401), ("blue", "PATCH", path, 403),
        ("boss", "PATCH", f"/api/v1/Sale/{uuid4()}", 404), ("boss", "DELETE", f"/api/v1/Sale/{uuid4()}", 404),
        ("boss", "PUT", f"/api/v1/Sale/{uuid4()}", 404), ("boss", "GET", "/api/meta/Nope", 404),
        ("boss", "POST", f"/api/v1/Sale/{uuid4()}/submit", 404), ("boss", "POST", path, 405),
    ):  # fmt: skip
        async with site.client(name, **headers) as client:
            response = await client.request(method, at, **({} if method in {"GET", "DELETE"} else {"json": {}}))
            assert response.status_code == status, (name, method, at)


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE", "DELETE?hard=true", "submit"])
async def test_a_write_is_not_done_where_if_none_match_names_what_is_stored(site: Any, verb: str) -> None:
    document = await site.make()
    path, tag = f"/api/v1/Sale/{document['id']}", f'"{document["id"]}-1"'
    method, at = ("POST", f"{path}/submit") if verb == "submit" else (verb.partition("?")[0], f"{path}{verb[6:]}")
    async with site.client("boss") as client:
        served = (await client.get(path)).headers["etag"]
        body = {"json": {"_version": 1}} if method in {"PUT", "PATCH"} else {}
        for none_match in ("*", tag, served, f"W/{served}", f'"x", {served}'):
            for match in ({}, {"if-match": served}, {"if-match": "*"}):
                refused = await client.request(method, at, headers={"if-none-match": none_match, **match}, **body)
                assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed"), none_match
        assert (await client.get(path)).headers["etag"] == served
        stale = await client.request(method, at, headers={"if-match": '"x"', "if-none-match": '"x"'}, **body)
        assert stale.status_code == 412
        done = await client.request(method, at, headers={"if-none-match": f'"x", "{document["id"]}-7"'}, **body)
        assert done.is_success, done.text


async def test_a_put_without_a_version_is_conditional_by_a_star_alone(site: Any) -> None:
    path = f"/api/v1/Sale/{(await site.make())['id']}"
    async with site.client("boss") as client:
        for none_match, status in (("*", 412), ('"x"', 428)):
            response = await client.put(path, json={"title": "a"}, headers={"if-none-match": none_match})
            assert response.status_code == status, none_match


async def test_if_none_match_does_not_set_a_stated_version_aside(site: Any) -> None:
    path = f"/api/v1/Sale/{(await site.make())['id']}"
    async with site.client("boss") as client:
        await client.patch(path, json={"title": "two"})
        stale = await client.patch(path, json={"title": "a", "_version": 1}, headers={"if-none-match": '"x"'})
        assert (stale.status_code, stale.json()["code"]) == (409, "version_conflict")


async def test_a_repeated_keyed_write_gets_its_answer_whatever_holds_by_now(site: Any) -> None:
    document = await site.make()
    path = f"/api/v1/Sale/{document['id']}"
    for headers in ({"if-match": f'"{document["id"]}-1"'}, {"if-none-match": f'"{document["id"]}-2"', "if-match": "*"}):
        sent = {"idempotency-key": "a key", **headers}
        async with site.client("boss") as client:
            responses = [await client.patch(path, json={"title": "b"}, headers=sent) for _ in range(2)]
        assert [response.status_code for response in responses] == [200, 200], headers
        assert responses[0].headers["etag"] == responses[1].headers["etag"], headers
