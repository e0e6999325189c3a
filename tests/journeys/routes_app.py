"""The CRM with routes of its own: uploads, downloads and a socket."""

from __future__ import annotations

from tests.journeys.product import Product

ROUTES = '''
"""Files and a socket."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, WebSocket, get, post, websocket
from litestar.params import FromQuery
from litestar.response import Stream

from framework_m import Documents, RequestContext, requires_permission

MADE = {"chunks": 0}


@post("/files", request_max_body_size=64 * 1024 * 1024, status_code=200)
@requires_permission("create", "Customer")
async def upload(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Takes a file as it comes."""
    size, digest = 0, hashlib.sha256()
    async for chunk in request.stream():
        size += len(chunk)
        digest.update(chunk)
    return {"size": size, "sha256": digest.hexdigest()}


@get("/files/{chunks:int}", authenticated=True)
async def download(chunks: int) -> Stream:
    """Gives a file piece by piece."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(chunks):
            MADE["chunks"] += 1
            yield b"x" * 65536

    return Stream(pieces(), media_type="application/octet-stream")


@get("/made", allow_guest=True)
async def made() -> dict[str, int]:
    """How much was made to be downloaded."""
    return MADE


@websocket("/customers")
@requires_permission("read", "Customer")
async def customers(socket: WebSocket[Any, Any, Any], documents: Documents, context: RequestContext) -> None:
    """Tells who is who."""
    await socket.accept()
    async for name in socket.iter_data(mode="text"):
        page = await documents.list("Customer", [{"field": "full_name", "operator": "eq", "value": name}])
        await socket.send_json({"by": context.principal.email, "found": len(page.items)})
'''
ENTRY = """
[project.entry-points."framework_m.routes"]
files = "crm.routes:MOUNTED"
"""
MOUNTED = (
    '\nfrom litestar import Router\n\nMOUNTED = Router("/crm", route_handlers=[upload, download, made, customers])\n'
)


def add_routes(product: Product) -> None:
    """Give a CRM that is not running its routes below `/crm`."""
    (product.app / "src" / "crm" / "routes.py").write_text(ROUTES + MOUNTED)
    project = product.app / "pyproject.toml"
    project.write_text(project.read_text() + ENTRY)
