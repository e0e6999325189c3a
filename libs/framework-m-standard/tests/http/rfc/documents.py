"""Documents that the tests of HTTP make."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

from .conftest import JSON, Response, Wire, request

LIST: Final = "/api/v1/Sale"
PATHS: Final = ("/health", LIST, "/nope", "/api/v1/Nope", "/api/meta", "/schema/openapi.json", "/api/meta/Sale")
TARGETS: Final = (*PATHS, "DOCUMENT")


async def create(wire: Wire, **values: Any) -> Response:
    """Store a sale, and return the response to a read of it, with its path as `location`."""
    made = await wire.ask(request(f"POST {LIST}", JSON, body=json.dumps({"title": "one", **values}).encode()))
    assert made.status == 201, made
    read = await wire.ask(request(f"GET {made.headers['location']}"))
    return replace(read, fields=(*read.fields, ("location", made.headers["location"])))


async def target(wire: Wire, path: str) -> str:
    """Return the path, or that of a new document."""
    return f"{LIST}/{(await create(wire)).json['id']}" if path == "DOCUMENT" else path
