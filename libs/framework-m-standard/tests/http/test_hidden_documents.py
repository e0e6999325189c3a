"""Why a document is a 404 is told to the log alone."""

from __future__ import annotations

import logging
from typing import Any
from uuid import uuid4

import pytest

from tests.errors import assert_names, names_all


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the service of permissions logs in development."""
    caplog.set_level(logging.DEBUG, "framework_m_core.services.permissions.service")
    return caplog


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "Sale/{id}", None),
        ("GET", "Sale/{id}?fields=title", None),
        ("GET", "Sale/{name}", None),
        ("PATCH", "Sale/{id}", {"title": "x"}),
        ("DELETE", "Sale/{id}", None),
        ("POST", "Sale/{id}/submit", {}),
        ("POST", "rpc/Sale/priced", {"doc_id": "{id}"}),
    ],
)
async def test_the_scope_behind_a_404_is_logged(
    site: Any, told: pytest.LogCaptureFixture, method: str, path: str, body: dict[str, Any] | None
) -> None:
    sale = await site.make()
    sent = body and {name: value.format(**sale) for name, value in body.items()}
    async with site.client("owner") as client:
        answer = await client.request(method, f"/api/v1/{path.format(**sale)}", json=sent)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not any(names_all(answer.text, name) for name in ("Owner", "scope", "rule"))
    assert_names(told.messages, "owner@example.com", "Sale", "Sale.read:Owner")


async def test_a_name_cannot_write_lines_of_its_own(site: Any, told: pytest.LogCaptureFixture) -> None:
    async with site.client("owner") as client:
        await client.get("/api/v1/Sale/a%0Aforged")
    assert told.messages and not any("\n" in message for message in told.messages)


async def test_without_a_scope_nothing_is_hidden(site: Any, told: pytest.LogCaptureFixture) -> None:
    async with site.client("boss") as client:
        assert (await client.get(f"/api/v1/Sale/{uuid4()}")).status_code == 404
    assert told.messages == []
