"""Answers must be right and complete before they are timed, and all counted after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from benchmarks.client import Response
from benchmarks.contender import Contender
from benchmarks.dataset import (
    INVOICE_PATH,
    ORDER_PATH,
    Order,
    as_json,
    business,
    change_body,
    expected_page,
    invoice_body,
    invoice_total,
)
from benchmarks.errors import CheckFailedError
from benchmarks.load.plan import Principal
from benchmarks.load.wrk import Load
from benchmarks.works import Work

__all__ = ["check_answers", "check_guards", "check_window"]

_SAMPLES = 5
_ALLOWED_SHORTFALL = 0.9  # answers differ by a digit here and there


def check_answers(contender: Contender) -> dict[Work, int]:
    """Try each work once or a few times; the size of the smallest right answer to each."""
    sizes = {}
    for work in contender.works:
        if work in _CHECKS:
            responses = _CHECKS[work](contender)
            sizes[work] = min(len(response.body) for response in responses)
    return sizes


def check_guards(contender: Contender) -> None:
    """The guards of a contender that claims to have them are really on."""
    mine, theirs = contender.principals()[:2]
    foreign = next(row for row in contender.rows if row.owner == theirs.owner)
    path = f"{ORDER_PATH}/{foreign.id}"
    for headers, wanted, what in (
        ({}, 401, "an anonymous GET"),
        (dict([mine.header]), 404, "a GET of somebody else's order"),
        (dict([theirs.header]), 200, "a GET by the owner"),
    ):
        response = contender.server.client.request("GET", path, headers=headers)
        _expect(contender, what, response, wanted)


def check_window(contender: Contender, work: Work, load: Load, size: int, stored: int | None) -> list[str]:
    """What was wrong with a window: failures, short answers, or rows that are not in the store."""
    errors = []
    if load.bad_status or load.broken:
        errors.append(f"{load.bad_status} answers of 400 and above, {load.broken} broken or late")
    if load.requests == 0:
        return [*errors, "no request was answered"]
    if load.bytes / load.requests < size * _ALLOWED_SHORTFALL:
        errors.append(f"answers of {load.bytes // load.requests} bytes, {size} expected")
    good = load.requests - load.bad_status
    if stored is not None and stored < good:
        errors.append(f"{good} documents answered as created, {stored} stored")
    return [f"{contender.title}, {work.caption}: {error}" for error in errors]


def _check_get(contender: Contender) -> list[Response]:
    step = max(1, len(contender.rows) // _SAMPLES)
    return [_get_and_compare(contender, row) for row in contender.rows[::step]]


def _get_and_compare(contender: Contender, row: Order) -> Response:
    user = _principal(contender, row.owner)
    response = _send(contender, "GET", f"{ORDER_PATH}/{row.id}", user)
    _expect(contender, "GET", response, 200)
    stored = {"id": row.id, "name": row.name, "owner": row.owner, "docstatus": 0, "_version": 1}
    _compare(contender, "GET", response.json, stored | row.business)
    return response


def _check_list(contender: Contender) -> list[Response]:
    responses = []
    for user in contender.principals()[:_SAMPLES]:
        response = _send(contender, "GET", contender.list_path(user.owner), user)
        _expect(contender, "LIST", response, 200)
        names = [item["name"] for item in response.json["items"]]
        wanted = expected_page(contender.rows, user.owner)
        if names != wanted:
            raise CheckFailedError(f"{contender.title} lists {names}, expected {wanted}")
        row = next(row for row in contender.rows if row.name == wanted[0])
        _compare(contender, "LIST", response.json["items"][0], {"owner": row.owner} | row.business)
        responses.append(response)
    return responses


def _check_post(contender: Contender) -> list[Response]:
    user = contender.principals()[0]
    body = {"name": "CHECK-POST"} | business(3)
    response = _send(contender, "POST", ORDER_PATH, user, body)
    _expect(contender, "POST", response, 201)
    wanted = body | {"owner": user.owner, "_version": 1}
    _compare(contender, "POST", response.json, wanted)
    again = _send(contender, "GET", f"{ORDER_PATH}/{response.json['id']}", user)
    _expect(contender, "GET after POST", again, 200)
    _compare(contender, "GET after POST", again.json, wanted)
    return [response]


def _check_put(contender: Contender) -> list[Response]:
    key, owner, version = contender.database.versions(contender.table)[0]
    user = _principal(contender, owner)
    path = f"{ORDER_PATH}/{key}"
    body = {"_version": version} | change_body(7)
    response = _send(contender, "PUT", path, user, body)
    _expect(contender, "PUT", response, 200)
    wanted = body | {"id": key, "_version": version + 1}
    _compare(contender, "PUT", response.json, wanted)
    again = _send(contender, "GET", path, user)
    _compare(contender, "GET after PUT", again.json, wanted)
    _expect(contender, "PUT of a stale version", _send(contender, "PUT", path, user, body), 409)
    return [response]


def _check_invoice(contender: Contender) -> list[Response]:
    user = contender.principals()[0]
    body = invoice_body(0, contender.links.customers, contender.links.items)
    response = _send(contender, "POST", INVOICE_PATH, user, body)
    _expect(contender, "POST invoice", response, 201)
    found = response.json
    _compare(contender, "POST invoice", found, {"total": invoice_total(body), "_version": 1})
    if not str(found["name"]).startswith("INV-") or len(found["items"]) != len(body["items"]):
        raise CheckFailedError(f"{contender.title} answered an invoice that is not whole: {found}")
    for got, line in zip(found["items"], body["items"], strict=True):
        _compare(contender, "invoice row", got, line | {"amount": line["qty"] * line["rate"]})
    if not str(found["customer_name"]).endswith(" Limited"):
        raise CheckFailedError(f"{contender.title} did not fetch the customer's name: {found}")
    unlinked = body | {"customer": str(UUID(int=1))}
    refused = _send(contender, "POST", INVOICE_PATH, user, unlinked)
    _expect(contender, "POST invoice for a missing customer", refused, 400)
    return [response]


_CHECKS: dict[Work, Callable[[Contender], list[Response]]] = {
    Work.GET: _check_get,
    Work.LIST: _check_list,
    Work.POST: _check_post,
    Work.PUT: _check_put,
    Work.INVOICE: _check_invoice,
}


def _principal(contender: Contender, owner: str) -> Principal:
    return next(user for user in contender.principals() if user.owner == owner)


def _send(
    contender: Contender, method: str, path: str, user: Principal, body: dict[str, Any] | None = None
) -> Response:
    text = None if body is None else as_json(body)
    return contender.server.client.request(method, path, text, dict([user.header]))


def _expect(contender: Contender, what: str, response: Response, status: int) -> None:
    if response.status != status:
        raise CheckFailedError(
            f"{contender.title}: {what} answered {response.status}, not {status}: {response.body[:500]!r}"
        )


def _compare(contender: Contender, what: str, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for name, value in wanted.items():
        if name not in found or _parsed(found[name], value) != value:
            raise CheckFailedError(f"{contender.title}: {what} answered {name}={found.get(name)!r}, not {value!r}")


def _parsed(found: Any, like: Any) -> Any:
    """A JSON value as the type of `like`; booleans and numbers must be what they are."""
    if isinstance(like, Decimal):
        return Decimal(str(found))
    if isinstance(like, datetime):
        return datetime.fromisoformat(found)
    if isinstance(like, date):
        return date.fromisoformat(found)
    if isinstance(like, UUID):
        return UUID(found)
    return found
