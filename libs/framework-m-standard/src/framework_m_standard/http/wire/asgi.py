"""The shapes of ASGI, and what the entrance learns of a request for everybody after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from framework_m_core.domain.context import RequestScope

__all__ = ["ASGIApp", "Arrival", "Message", "Receive", "Scope", "Send", "arrival_of", "keep_arrival"]

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

_KEY = "framework_m"


@dataclass(slots=True)
class Arrival:
    """A request's headers by lower-case name, who sent it, and why it is refused, if it is.

    `vary` names what else its answer depends on; set here and not as a header, CORS does not replace it.
    """

    headers: Mapping[bytes, bytes]
    scope: RequestScope
    refusal: Exception | None = None
    vary: bytes = b""


def keep_arrival(scope: Scope, arrival: Arrival) -> None:
    """Puts an arrival where `arrival_of` finds it."""
    scope[_KEY] = arrival


def arrival_of(scope: Any) -> Arrival:
    """What the entrance has learnt of a request."""
    arrival: Arrival = scope[_KEY]
    return arrival
