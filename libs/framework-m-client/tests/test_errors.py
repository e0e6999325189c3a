"""Every error of the server has its class: the client's table follows the reference."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from framework_m_client import ProblemError
from framework_m_client.errors import _BY_CODE, error_of
from tests.journeys.product import ROOT

REFERENCE = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
SERVED = [(int(status), code) for status, code in re.findall(r"^\| (\d+) \| `(\w+)` \|", REFERENCE, re.MULTILINE)]
PROGRAMMING = {405, 413, 414, 415, 428, 431}
"""Requests that the client does not make, or that only a change of the program mends."""


def test_the_codes_are_those_of_the_server() -> None:
    assert len(SERVED) > 30
    assert _BY_CODE.keys() <= {code for _, code in SERVED}


@pytest.mark.parametrize(("status", "code"), SERVED)
def test_a_problem_has_a_class_of_its_own(status: int, code: str) -> None:
    error = error_of(httpx.Response(status, json={"status": status, "code": code, "detail": "why"}))
    assert (error.status, error.code, error.detail) == (status, code, "why")
    assert (type(error) is ProblemError) == (status in PROGRAMMING)


@pytest.mark.parametrize(
    ("errors", "fields"),
    [(None, []), ("none", []), ([1, {}], [""]), ([{"field": "a", "code": "b", "message": "c", "params": None}], ["a"])],
)
def test_problems_of_others_are_read_as_far_as_they_go(errors: Any, fields: list[str]) -> None:
    error = error_of(httpx.Response(400, json={"code": "strange", "errors": errors}))
    assert [one.field for one in error.errors] == fields


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>", b'{"detail": 1}', b"\xff"])
@pytest.mark.parametrize("after", ["", "soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_any_response_is_an_error(body: bytes, after: str) -> None:
    error: Any = error_of(httpx.Response(503, content=body, headers={"retry-after": after}))
    assert (error.code, error.errors, error.retry_after) == ("unknown", (), None)
