"""Users are found by everyone who has logged in, as link fields offer them, and by nobody else."""

from __future__ import annotations

import httpx
import pytest

from tests.journeys.product import email

TO_SELECT = {"id", "name", "_version", "full_name"}


def test_users_are_listed_by_what_tells_them_apart(nobody: httpx.Client) -> None:
    page = nobody.get("/api/v1/User", params={"limit": 100, "count": "exact"}).json()
    assert email("alice") in {one["name"] for one in page["items"]}
    assert page["total"] == len(page["items"])
    assert {name for one in page["items"] for name in one} == TO_SELECT
    by_name = [{"field": "name", "operator": "eq", "value": email("alice")}]
    found = nobody.post("/api/v1/User/search", json={"filters": by_name})
    assert [one["name"] for one in found.json()["items"]] == [email("alice")]
    (alice,) = found.json()["items"]
    answer = nobody.get(f"/api/v1/User/{alice['id']}")
    assert (answer.status_code, answer.json()["code"]) == (403, "no_grant")


@pytest.mark.parametrize(
    "params",
    [
        {"fields": "enabled"},
        {"order_by": "creation"},
        {"filters": '[{"field": "roles", "operator": "has", "value": "Administrator"}]'},
        {"include_deleted": "true"},
    ],
    ids=str,
)
def test_nothing_else_is_told(nobody: httpx.Client, params: dict[str, str]) -> None:
    assert nobody.get("/api/v1/User", params=params).status_code in {400, 403}


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/User"), ("POST", "/api/v1/User/search")])
def test_who_has_not_logged_in_lists_nobody(anonymous: httpx.Client, method: str, path: str) -> None:
    assert anonymous.request(method, path).status_code == 401
