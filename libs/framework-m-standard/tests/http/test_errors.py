"""Errors: one form, and nothing in it that is not the caller's."""

from __future__ import annotations

import json
import logging
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from framework_m_core.domain import errors
from framework_m_core.domain.errors import DatabaseError, FrameworkError, IntegrityError, TransientError
from framework_m_standard.http.wire import request_errors
from framework_m_standard.http.wire.error_responses import STATUS, status_of, to_problem
from tests.errors import assert_names

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


def every_error(root: type[FrameworkError]) -> set[type[FrameworkError]]:
    return {root}.union(*(every_error(kind) for kind in root.__subclasses__()))


def test_every_error_has_a_status() -> None:
    never_served: set[type[FrameworkError]] = {errors.ConfigurationError, errors.MigrationError}
    internal: set[type[FrameworkError]] = {FrameworkError, errors.RepositoryError, errors.ControllerError}
    assert request_errors.RouteNotFoundError in every_error(FrameworkError)
    for kind in every_error(FrameworkError) - never_served:
        status = next(STATUS[base] for base in kind.__mro__ if base in STATUS)
        assert status != 500 or issubclass(kind, DatabaseError) or kind in internal


@pytest.mark.parametrize(
    "error",
    [DatabaseError("SELECT 1"), IntegrityError("SELECT 1"), TransientError("SELECT 1"), RuntimeError("SELECT 1")],
)
def test_the_stores_words_stay_here(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        response = to_problem(error, uuid4())
    assert b"SELECT" not in response.body
    assert response.status in {409, 500, 503}


def test_who_may_try_again_is_told_when_and_who_may_not_is_not() -> None:
    assert "retry-after" in dict_of(to_problem(TransientError("busy"), uuid4()))
    assert "retry-after" not in dict_of(to_problem(errors.OutcomeUnknownError("lost"), uuid4()))


def dict_of(response: Any) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in response.headers}


def test_a_duplicate_value_names_its_fields() -> None:
    body = json.loads(to_problem(errors.DuplicateValueError("taken", fields=["code", "branch"]), uuid4()).body)
    assert [(error["field"], error["code"]) for error in body["errors"]] == [
        ("code", "duplicate_value"),
        ("branch", "duplicate_value"),
    ]


def test_what_a_text_says_of_fields_stays_out_of_the_detail() -> None:
    error = errors.ValidationError("not valid", [errors.FieldError("ful_name", "unknown_field", "no such field")])
    body = json.loads(to_problem(error, uuid4()).body)
    assert_names(error, "not valid", f"ful_name: {error.errors[0].message}")
    assert body["detail"] == "not valid"
    assert body["errors"] == [{"field": "ful_name", "code": "unknown_field", "message": "no such field", "params": {}}]


@pytest.mark.parametrize(
    ("params", "served"),
    [
        ({"choices": ("a", "b"), "max": 3}, {"choices": ["a", "b"], "max": 3}),
        ({"max": Decimal("1.50"), "from": date(2026, 1, 31)}, {"max": "1.50", "from": "2026-01-31"}),
        ({"choices": ["x" * 300] * 200}, {"choices": ["x" * 200] * 100}),
        ({"x": object(), "y": [[1]], "z": {"a": 1}, "n": 10**400, "ok": None}, {"ok": None}),
        ({str(place): place for place in range(50)}, {str(place): place for place in range(20)}),
    ],
)
def test_params_are_served_within_bounds(params: dict[str, Any], served: dict[str, Any]) -> None:
    error = errors.ValidationError("not valid", [errors.FieldError("x", "odd", "it is odd", params)])
    assert json.loads(to_problem(error, uuid4()).body)["errors"][0]["params"] == served


def test_no_names_are_told_that_were_not_asked_for() -> None:
    error = errors.DocTypeNotFoundError("there is no DocType 'Sael'", meant=": did you mean 'Sale'?")
    assert str(error).endswith("'Sale'?") and b"'Sale'" not in to_problem(error, uuid4()).body


def test_unforeseen_errors_are_ours() -> None:
    assert status_of(KeyError("x")) == 500


async def test_the_shape(site: Any) -> None:
    async with site.client("boss") as client:
        for response, code in (
            (await client.get(f"/api/v1/Sale/{uuid4()}"), "not_found"),
            (await client.get("/nope"), "route_not_found"),
            (await client.put("/health"), "method_not_allowed"),
            (await client.get("/api/v1/Sale?x=1"), "bad_query"),
        ):
            body = response.json()
            assert response.headers["content-type"] == "application/problem+json", code
            assert body.keys() - {"errors"} == MEMBERS, code
            assert (body["code"], body["status"]) == (code, response.status_code), code
            assert body["type"] == f"urn:framework-m:problem:{code}", code
            assert body["request_id"] == response.headers["x-request-id"], code
            assert response.headers["cache-control"] == "no-store", code


async def test_errors_name_their_rule(site: Any) -> None:
    document = await site.make()
    async with site.client("nobody") as client:
        refused = (await client.get("/api/v1/Sale")).json()
        assert (refused["code"], refused["rule"]) == ("no_grant", "Sale.read")
    async with site.client("reader") as client:
        refused = (await client.delete(f"/api/v1/Sale/{document['id']}")).json()
        assert refused["code"] == "outside_scope"
        assert refused["rule"].startswith("Sale.delete")


async def test_a_broken_hook_tells_nothing(site: Any, caplog: pytest.LogCaptureFixture) -> None:
    async with site.client("boss") as client:
        response = await client.post("/api/v1/Sale", json={"title": "break"})
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "password" not in response.text
    assert "RuntimeError" not in response.text
    assert response.json()["request_id"] in caplog.text
    assert_names(caplog.text, "SELECT password FROM users")


async def test_a_store_that_is_away(site: Any) -> None:
    site.authentication.failure = TransientError("host db.internal")
    async with site.client("boss") as client:
        for path in ("/api/v1/Sale", "/api/meta", "/nope"):
            response = await client.get(path)
            assert (response.status_code, response.json()["code"]) == (503, "service_unavailable"), path
            assert int(response.headers["retry-after"]) > 0, path
            assert "db.internal" not in response.text, path


async def test_a_host_header_that_is_none(site: Any) -> None:
    async with site.client("boss") as client:
        response = await client.get("/api/meta", headers={"host": "a b"})
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")


@pytest.mark.parametrize("path", ["/health", "/api/v1/Sale", "/api/meta", "/nope", "/api/v1/auth/me"])
async def test_request_ids(site: Any, path: str) -> None:
    given = uuid4()
    async with site.client("boss") as client:
        assert (await client.get(path, headers={"x-request-id": str(given)})).headers["x-request-id"] == str(given)
        for other in ("x", str(given)[:-1], f"{given}\n{given}"[:36] + "z"):
            response = await client.get(path, headers={"x-request-id": other.replace("\n", " ")})
            assert UUID(response.headers["x-request-id"]) != given, other
            assert response.headers.get_list("x-request-id") == [response.headers["x-request-id"]], other
        assert response.headers["x-content-type-options"] == "nosniff"
