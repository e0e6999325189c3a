"""What every answer must be like, and what a refusal must say and must not."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import httpx

LEAKS = re.compile(
    r'Traceback \(most recent|File "/|line \d+, in |sqlite3?\.|asyncpg|asyncmy|sqlalchemy|no such (?:table|column)'
    r'|syntax error|relation "|violates|constraint failed|\$argon2',
    re.IGNORECASE,
)
"""Signs of a stack trace, of the store's own words, and of a password's hash."""

PROBLEM = "application/problem+json"


def inspect(response: httpx.Response) -> None:
    """What holds for every answer; a client calls it by itself when it is given as a hook for responses."""
    response.read()
    where = (response.request.method, str(response.request.url)[:200], response.status_code, response.text[:400])
    assert response.status_code < 500 or response.status_code == 503, where
    assert UUID(response.headers["x-request-id"]).int, where
    assert response.headers["x-content-type-options"] == "nosniff", where
    assert LEAKS.search(response.text) is None, where
    if response.status_code >= 400:
        assert response.headers["content-type"] == PROBLEM, where
        assert "no-store" in response.headers["cache-control"], where


HOOKS = {"response": [inspect]}
"""What a client takes to have a look at every answer."""


def refused(response: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The problem document of a refusal, after a look at all of its parts."""
    inspect(response)
    assert response.status_code == status, response.text
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "detail", "code", "request_id"} <= problem.keys()
    assert problem["status"] == status and problem["request_id"] == response.headers["x-request-id"]
    assert problem["detail"] and problem["title"]
    assert code is None or problem["code"] == code, problem
    return problem


def fields_of(problem: dict[str, Any]) -> set[str]:
    """The fields that a refusal finds fault with."""
    return {error["field"] for error in problem["errors"]}


def faceless(response: httpx.Response, *names: object) -> tuple[int, dict[str, str], str]:
    """An answer without what differs between any two: the request's id, the time, and the names given."""
    unlike = {"x-request-id", "date", *(["content-length"] if names else [])}
    text = response.text.replace(response.headers["x-request-id"], "<request>")
    for name in names:
        text = text.replace(str(name), "<name>")
    return response.status_code, {name: value for name, value in response.headers.items() if name not in unlike}, text
