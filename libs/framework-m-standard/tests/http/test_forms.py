"""`POST …/compute`: forms as requests give them."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, [("data", "required")]),
        ({"data": [], "id": 5, "seq": "1"}, [("data", "wrong_type"), ("id", "wrong_type"), ("seq", "wrong_type")]),
        ({"data": {}, "seq": 2**63, "doc": {}}, [("doc", "unknown_field"), ("seq", "wrong_type")]),
        ({"data": {"titel": "a", "rate": "x"}}, [("titel", "unknown_field"), ("rate", "wrong_type")]),
    ],
)
async def test_what_is_no_form_is_refused(site: Any, body: Any, refused: list[tuple[str, str]]) -> None:
    async with site.client("boss") as client:
        response = await client.post("/api/v1/Sale/compute", json=body)
    found = [(one["field"], one["code"]) for one in response.json()["errors"]]
    assert (response.status_code, found) == (400, refused)


@pytest.mark.parametrize(("name", "status"), [("anonymous", 401), ("boss", 200), ("reader", 403), ("blue", 403)])
async def test_a_form_of_a_document_needs_the_permission_to_write_it(site: Any, name: str, status: int) -> None:
    made = await site.make(title="a", color="red")
    async with site.client(name) as client:
        response = await client.post("/api/v1/Sale/compute", json={"id": made["id"], "data": {"title": "b"}, "seq": 0})
    assert response.status_code == status
    if status == 200:
        assert (response.json()["seq"], response.json()["data"]["title"]) == (0, "b")
        assert response.headers["cache-control"] == "private, no-cache"


async def test_a_document_may_be_called_compute(site: Any) -> None:
    async with site.client("boss") as client:
        made = await client.post("/api/v1/Tag", json={"name": "compute"})
        assert (await client.get("/api/v1/Tag/compute")).json() == made.json()
