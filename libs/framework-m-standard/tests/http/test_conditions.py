"""Every operation that takes conditions keeps them, whatever its method."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m_standard.http.documents.operation import Operation
from framework_m_standard.http.documents.operation_table import list_document_operations

CONDITIONAL = [one for one in list_document_operations() if "if_none_match" in one.headers and "{id}" in one.path]
BODIES: dict[str, Any] = {
    "replace": {"title": "new", "_version": 1},
    "update": {"title": "new"},
    "rename": {"name": "n"},
}
BEFORE = {"cancel": ["submit"], "amend": ["submit", "cancel"]}


@pytest.mark.parametrize("operation", CONDITIONAL, ids=lambda one: one.name)
async def test_conditions_that_do_not_hold_stop_it(site: Any, operation: Operation) -> None:
    document = await site.make()
    path, tag = f"/api/v1/Sale/{document['id']}", None
    async with site.client("boss") as client:
        for step in BEFORE.get(operation.name, []):
            tag = (await client.post(f"{path}/{step}")).headers["etag"]
        tag = tag or (await client.get(path)).headers["etag"]
        if operation.name == "restore":
            assert (await client.delete(path)).status_code == 204
        place = f"/api/v1/{operation.path}".replace("{doctype}", "Sale").replace("{id}", document["id"])
        read = operation.method == "GET"
        there = [("if-none-match", value, 304 if read else 412) for value in ("*", tag)]
        if operation.name == "restore":  # what is deleted has no tag, so that such a condition holds
            there = []
        for header, value, status in (("if-match", f'"{document["id"]}-9"', 412), *there):
            response = await client.request(
                operation.method, place, json=BODIES.get(operation.name), headers={header: value}
            )
            assert response.status_code == status, (header, value, response.text)
        done = await client.request(operation.method, place, json=BODIES.get(operation.name))
        assert done.status_code in operation.statuses, done.text


def test_all_that_change_a_document_take_conditions() -> None:
    assert {one.name for one in CONDITIONAL} >= {"get", "replace", "update", "delete", "submit", "cancel", "amend"}
