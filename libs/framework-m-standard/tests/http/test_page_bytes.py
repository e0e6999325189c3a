"""Pages of large documents: they end early and go on by cursor, or are refused before they are read."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m_core.services.rows.sizes import PAGE_BYTES

LARGE = "x" * (PAGE_BYTES // 5)


async def _tags(client: Any, number: int, text: str = LARGE) -> None:
    for name in range(number):
        made = await client.post("/api/v1/Tag", json={"name": f"tag {name}", "text": text})
        assert made.status_code == 201


async def test_a_page_of_large_documents_ends_early_and_continues(site: Any) -> None:
    async with site.client("boss") as client:
        await _tags(client, 9)
        seen: list[str] = []
        params, pages = {"limit": "500", "order_by": "name"}, 0
        while params.get("cursor", "") is not None:
            page = (await client.get("/api/v1/Tag", params=params)).json()
            assert sum(len(tag["text"]) for tag in page["items"]) <= PAGE_BYTES
            assert page.get("truncated_by") == ("bytes" if page["has_more"] else None)
            seen += [tag["name"] for tag in page["items"]]
            params, pages = {**params, "cursor": page["next_cursor"]}, pages + 1
        assert ([f"tag {name}" for name in range(9)], 3) == (seen, pages)
        full = (await client.get("/api/v1/Tag?limit=4")).json()
        assert (len(full["items"]), full["has_more"], "truncated_by" in full) == (4, True, False)
        thin = (await client.get("/api/v1/Tag?limit=500&fields=name")).json()
        assert (len(thin["items"]), thin["has_more"], "truncated_by" in thin) == (9, False, False)


def _places(refused: Any) -> list[tuple[str, str]]:
    return [(one["field"], one["code"]) for one in refused.json()["errors"]]


def _too_large(parameter: str) -> tuple[int, str, list[tuple[str, str]]]:
    return 400, "answer_too_large", [(parameter, "out_of_bounds")]


async def test_a_page_that_no_cursor_continues_is_refused(site: Any) -> None:
    async with site.client("boss") as client:
        await _tags(client, 8)
        refused = await client.get("/api/v1/Tag?limit=500&offset=1")
        assert (refused.status_code, refused.json()["code"], _places(refused)) == _too_large("limit")
        assert (await client.get("/api/v1/Tag?limit=3&offset=1")).status_code == 200
        long = await client.get("/api/v1/Tag?limit=500&order_by=text")
        assert (long.status_code, long.json()["code"], _places(long)) == _too_large("limit")


async def test_one_document_is_always_served(site: Any) -> None:
    async with site.client("boss") as client:
        await _tags(client, 2, "x" * (PAGE_BYTES + 100))
        assert (await client.get("/api/v1/Tag/tag 0")).status_code == 200
        page = (await client.get("/api/v1/Tag?limit=500")).json()
        assert (len(page["items"]), page["has_more"], page["truncated_by"]) == (1, True, "bytes")


@pytest.mark.parametrize("fields", ["lines", "extra"])
async def test_rows_and_json_count_too(site: Any, fields: str) -> None:
    rows = [{"text": "y" * 500} for _ in range(3_500)]
    for _ in range(6):
        await site.make(lines=rows, extra={"long": LARGE})
    async with site.client("boss") as client:
        page = (await client.get(f"/api/v1/Sale?fields={fields}&limit=100")).json()
        assert 1 <= len(page["items"]) < 6
        assert page["truncated_by"] == "bytes"


async def test_large_targets_are_not_expanded(site: Any) -> None:
    for partner in [await site.make(title=LARGE) for _ in range(6)]:
        await site.make(partner=partner["id"])
    async with site.client("boss") as client:
        path = "/api/v1/Sale?fields=partner&expand=partner&limit="
        refused = await client.get(f"{path}500")
        assert (refused.status_code, refused.json()["code"], _places(refused)) == _too_large("expand")
        assert (await client.get(f"{path}3")).status_code == 200


async def test_one_large_target_counts_for_each_that_links_to_it(site: Any) -> None:
    target = await site.make(extra={"long": "x" * 900_000})
    for _ in range(200):
        await site.make(partner=target["id"])
    async with site.client("boss") as client:
        path = "/api/v1/Sale?fields=partner&expand=partner&order_by=-creation&limit="
        refused = await client.get(f"{path}200")
        assert (refused.status_code, refused.json()["code"]) == (400, "answer_too_large")
        served = await client.get(f"{path}5")
        assert served.status_code == 200
        assert len(served.content) > 5 * 900_000
