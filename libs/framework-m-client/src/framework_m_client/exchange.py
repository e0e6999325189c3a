"""The course of a call without input and output: it yields what to do, so that sync and async clients share it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from framework_m_client.errors import (
    AuthenticationError,
    ClientError,
    ServerUnreachableError,
    error_of,
    retry_after,
)
from framework_m_client.json_values import encode
from framework_m_client.operations import IDEMPOTENCY_KEY, Call, Repeat
from framework_m_client.retries import RETRIED_STATUSES, RetryPolicy
from framework_m_client.session import Session, Tokens

__all__ = ["Exchange", "Outcome", "Pause", "Renew", "Send", "exchange", "renew"]

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_UNAUTHENTICATED = 401


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request, and tell what came."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: str | None


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Renew:
    """Renew the tokens, unless another call has renewed these already."""

    used: Tokens


type Outcome = httpx.Response | httpx.RequestError
type Exchange[T] = Generator[Send | Pause | Renew, Any, T]
"""Each `Send` is answered by its outcome."""


def exchange(call: Call[Any], session: Session, policy: RetryPolicy) -> Exchange[httpx.Response]:
    """Send a call until it succeeds or is given up. Raises ClientError."""
    content = None if call.body is None else encode(call.body)
    attempt, waited, renewed = 1, 0.0, False
    while True:
        used = session.tokens if call.authenticated else None
        outcome: Outcome = yield Send(call.method, call.path, call.query, _headers(call, session), content)
        if isinstance(outcome, httpx.Response):
            if outcome.is_success:
                return outcome
            if outcome.status_code == _UNAUTHENTICATED and used is not None and used.refresh and not renewed:
                renewed = True
                yield Renew(used)
                continue
        delay = policy.compute_delay(attempt, waited, _asked(outcome)) if _may_repeat(call, session, outcome) else None
        if delay is None:
            raise _error(outcome) from (outcome if isinstance(outcome, Exception) else None)
        yield Pause(delay)
        attempt, waited = attempt + 1, waited + delay


def renew(session: Session, policy: RetryPolicy) -> Exchange[httpx.Response]:
    """Exchange the refresh token; forget the tokens if it is refused."""
    call = session.refresh()
    try:
        response = yield from exchange(call, session, policy)
    except AuthenticationError:
        session.tokens = None
        raise
    call.parse(response)
    return response


def _headers(call: Call[Any], session: Session) -> dict[str, str]:
    headers = {**call.headers, **(session.make_headers() if call.authenticated else {})}
    if session.is_anonymous:
        headers.pop(IDEMPOTENCY_KEY, None)  # keys are stored per user, and refused without one
    if call.body is not None:
        headers["content-type"] = "application/json"
    return headers


def _may_repeat(call: Call[Any], session: Session, outcome: Outcome) -> bool:
    if isinstance(outcome, _NOT_SENT):
        return True
    if call.repeat is Repeat.NEVER or (call.repeat is Repeat.WITH_KEY and session.is_anonymous):
        return False
    return not isinstance(outcome, httpx.Response) or outcome.status_code in RETRIED_STATUSES


def _asked(outcome: Outcome) -> float | None:
    return retry_after(outcome) if isinstance(outcome, httpx.Response) else None


def _error(outcome: Outcome) -> ClientError:
    if isinstance(outcome, httpx.Response):
        return error_of(outcome)
    return ServerUnreachableError(f"no response came: {type(outcome).__name__}: {outcome}")
