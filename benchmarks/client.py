"""A small HTTP client for checks and preparation; measuring is `wrk`'s."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Client", "Response"]


@dataclass(frozen=True, slots=True)
class Response:
    """What a server said."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class Client:
    """Speaks to one server on the loopback."""

    def __init__(self, port: int) -> None:
        self._port = port

    def request(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        sent = dict(headers or {})
        if body is not None:
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            return Response(response.status, response.read())
        finally:
            connection.close()

    def is_healthy(self) -> bool:
        """Whether `/health` answers 200."""
        try:
            return self.request("GET", "/health").status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
