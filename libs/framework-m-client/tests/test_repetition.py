"""What is lost or refused is sent again, where that cannot do harm, and not for ever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from framework_m_client import (
    IdempotencyConflictError,
    OutcomeUnknownError,
    ProblemError,
    RateLimitError,
    RetryPolicy,
    ServerUnreachableError,
    ServiceUnavailableError,
    UnexpectedResponseError,
)

from .conftest import Shop, lose, refuse, unconnected

GARBLED = httpx.ByteStream(b"no gzip")
BUSY = refuse(503, "service_unavailable", retry_after="2")


def count(shop: Shop, doctype: str) -> int:
    return len(shop.loop.run(shop.app.system.list(doctype, limit=500)).items)


def test_a_write_whose_answer_is_lost_takes_effect_once(shop: Shop, client: Any) -> None:
    shop.network.after = [lose, lose]
    made = client.doctype("Product").create({"sku": "S"})
    assert count(shop, "Product") == 1
    assert client.doctype("Product").get(made["id"]) == made
    keys = {request.headers["idempotency-key"] for request in shop.network.sent if request.method == "POST"}
    assert len(keys) == 1


@pytest.mark.parametrize("action", ["update", "submit", "cancel", "delete"])
def test_every_write_may_be_repeated(shop: Shop, client: Any, action: str) -> None:
    orders = client.doctype("Order")
    document = orders.create({"customer": "Ada"})
    if action == "cancel":
        document = orders.submit(document)
    shop.network.after = [lose]
    getattr(orders, action)(document, *([{"customer": "Bob"}] if action == "update" else []))
    assert [request.method for request in shop.network.sent[-2:]] == 2 * [shop.network.sent[-1].method]


def test_a_key_of_the_caller_is_sent(client: Any) -> None:
    products = client.doctype("Product")
    made = products.create({"sku": "A"}, idempotency_key="mine")
    assert products.create({"sku": "A"}, idempotency_key="mine") == made
    with pytest.raises(IdempotencyConflictError):
        products.create({"sku": "B"}, idempotency_key="mine")


@pytest.mark.parametrize(
    ("refused", "waits"),
    [
        ([BUSY], [2.0]),
        ([refuse(429, "rate_limited", retry_after="5"), BUSY], [5.0, 2.0]),
        ([refuse(503, "not_ready", retry_after="0")], [0.0]),
    ],
)
def test_the_server_says_how_long_to_wait(
    shop: Shop, client: Any, refused: list[Callable[[], httpx.Response]], waits: list[float]
) -> None:
    shop.network.before = [*refused]
    assert client.doctype("Product").list().items == []
    assert shop.waits == waits


@pytest.mark.parametrize("refused", [refuse(503, "outcome_unknown"), refuse(502, "unknown"), unconnected])
def test_waits_grow_where_the_server_says_nothing(
    shop: Shop, client: Any, refused: Callable[[], httpx.Response]
) -> None:
    shop.network.before = 3 * [refused]
    client.doctype("Product").create({"sku": "S"})
    assert len(shop.waits) == 3
    for wait, maximum in zip(shop.waits, (0.25, 0.5, 1.0), strict=True):
        assert maximum / 2 <= wait <= maximum


@pytest.mark.parametrize(
    ("refused", "policy", "error", "sent"),
    [
        (refuse(429, "rate_limited", retry_after="900"), RetryPolicy(), RateLimitError, 1),
        (BUSY, RetryPolicy(total_wait_seconds=5), ServiceUnavailableError, 3),
        (BUSY, RetryPolicy(attempts=2), ServiceUnavailableError, 2),
        (BUSY, RetryPolicy(attempts=1), ServiceUnavailableError, 1),
        (refuse(503, "server_stopped"), RetryPolicy(attempts=2), OutcomeUnknownError, 2),
        (unconnected, RetryPolicy(attempts=2), ServerUnreachableError, 2),
        (refuse(500, "internal_error"), RetryPolicy(), ProblemError, 1),
    ],
)
def test_repetition_is_bounded(
    shop: Shop, kind: str, refused: Callable[[], httpx.Response], policy: RetryPolicy, error: type[Exception], sent: int
) -> None:
    shop.network.before = 9 * [refused]
    with pytest.raises(error) as given_up:
        shop.connect(kind, token=shop.token, retries=policy).doctype("Product").create({"sku": "S"})
    assert len(shop.network.sent) == sent
    if isinstance(given_up.value, ServerUnreachableError):
        assert isinstance(given_up.value.__cause__, httpx.ConnectError)


def test_a_call_is_repeated_only_if_it_may_be(shop: Shop, client: Any) -> None:
    shop.network.after = [lose]
    with pytest.raises(ServerUnreachableError):
        client.call("client_shop.count_products")
    shop.network.after = [lose]
    assert client.call("client_shop.count_products", repeatable=True) == 0
    shop.network.before = [unconnected]
    assert client.call("client_shop.count_products") == 0  # nothing was sent


def test_writes_of_anonymous_callers_have_no_key_and_are_sent_once(shop: Shop, kind: str) -> None:
    products = shop.connect(kind).doctype("Product")
    products.create({"sku": "A"})
    shop.network.after = [lose]
    with pytest.raises(ServerUnreachableError):
        products.create({"sku": "B"})
    assert [request.headers.get("idempotency-key") for request in shop.network.sent] == [None, None]
    shop.network.after = [lose]
    assert len(products.list().items) == 2


def test_a_response_that_is_no_problem_document(shop: Shop, client: Any) -> None:
    shop.network.before = [lambda: httpx.Response(418, text="<html>a proxy</html>")]
    with pytest.raises(ProblemError) as refused:
        client.doctype("Product").list()
    assert (refused.value.status, refused.value.code, refused.value.errors) == (418, "unknown", ())
    assert "a proxy" in str(refused.value)


def test_a_success_that_is_not_the_api(shop: Shop, client: Any) -> None:
    shop.network.before = [lambda: httpx.Response(200, text="<html>a login page</html>")]
    with pytest.raises(UnexpectedResponseError, match="a login page"):
        client.doctype("Product").list()


def test_an_answer_that_cannot_be_decoded_is_lost(shop: Shop) -> None:
    def garble(response: httpx.Response) -> httpx.Response:
        return httpx.Response(response.status_code, headers={"content-encoding": "gzip"}, stream=GARBLED)

    shop.network.after = [garble]
    made = shop.connect("async", token=shop.token).doctype("Product").create({"sku": "S"})
    assert count(shop, "Product") == 1 and made["sku"] == "S"
