"""An app with routes of its own, written to a folder and opened as it is in production."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from uuid import uuid4

__all__ = ["ENTRY_POINTS", "write_app"]

ENTRY_POINTS = {
    "apps": {"shop": "{app}"},
    "ports": {"stamps": "{app}:Stamps"},
    "adapters.stamps": {"default": "{app}:FixedStamps"},
    "routes": {"shop": "{app}:routes"},
}

APP = '''
from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any, Protocol

from litestar import Controller, Request, Response, Router, WebSocket, delete, get, post, websocket
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream
from pydantic import BaseModel

from framework_m import DocType, Documents, Field, RequestContext, ValidationError, requires_permission


class Stamps(Protocol):
    """What letters bear."""

    def stamp(self) -> str: ...


class FixedStamps:
    def stamp(self) -> str:
        return "stamped"


class Parcel(DocType):
    """What is sent."""

    label: str = ""
    weight: str | None = Field(default=None, permlevel=1)

    class Meta:
        permissions = {"read": {"Clerk": "all", "Guest": "own"}, "create": {"Clerk": "all"}, "write": {"Clerk": "own"}}
        field_levels = {1: {"read": ["Boss"], "write": ["Boss"]}}


class Label(BaseModel):
    """What a parcel is called."""

    text: str


@get("/shop/parcels/{name:str}")
@requires_permission("read", "Parcel")
async def parcel(name: FromPath[str], documents: Documents, context: RequestContext, stamps: Stamps) -> dict[str, Any]:
    """One parcel by its label."""
    page = await documents.list("Parcel", [{"field": "label", "operator": "eq", "value": name}])
    return {"found": [dict(item) for item in page.items], "by": context.principal.id, "stamp": stamps.stamp()}


@post("/shop/parcels")
@requires_permission("create", "Parcel")
async def send_parcel(data: JSONBody[Label], documents: Documents) -> dict[str, str]:
    """Sends one."""
    if data.text == "broken":
        raise RuntimeError("SELECT password")
    return {"id": str((await documents.create("Parcel", {"label": data.text}))["id"])}


@get("/shop/open", allow_guest=True)
async def open_to_all(context: RequestContext) -> dict[str, Any]:
    """For everybody."""
    return {"anonymous": context.principal.is_anonymous, "request": str(context.request_id)}


@get("/shop/me", authenticated=True, sync_to_thread=False)
def me(context: RequestContext) -> str:
    return context.principal.email


async def with_key(connection: ASGIConnection, handler: Any) -> None:
    if connection.headers.get("x-key") != "sesame":
        raise NotAuthorizedException("no key")


class Vault(Controller):
    path = "/vault"
    guards = [with_key]

    @get("/")
    async def look(self, stamps: Stamps) -> str:
        return stamps.stamp()


@delete("/parcels", allow_guest=True, status_code=204)
async def burn() -> None:
    """Burns nothing."""


UPLOAD = 96 * 1024 * 1024
CHUNKS: list[int] = []


@post("/shop/upload", request_max_body_size=UPLOAD, status_code=200)
@requires_permission("create", "Parcel")
async def upload(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Takes a file as it comes."""
    size, digest, largest = 0, hashlib.sha256(), 0
    async for chunk in request.stream():
        size, largest = size + len(chunk), max(largest, len(chunk))
        digest.update(chunk)
    return {"size": size, "sha256": digest.hexdigest(), "largest": largest}


MADE = {"chunks": 0}


@get("/shop/download", authenticated=True)
async def download(chunks: FromQuery[int]) -> Stream:
    """Gives a file piece by piece."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(chunks):
            MADE["chunks"] += 1
            yield b"x" * 65536

    return Stream(pieces(), media_type="application/octet-stream")


@get("/shop/made", allow_guest=True)
async def made() -> dict[str, int]:
    return MADE


ENDED: list[str] = []


CONTEXTS: list[RequestContext] = []


@websocket("/shop/live")
@requires_permission("write", "Parcel")
async def live(socket: WebSocket[Any, Any, Any], documents: Documents, context: RequestContext) -> None:
    """Counts parcels on request."""
    await socket.accept()
    try:
        while True:
            text = await socket.receive_text()
            if text == "break":
                raise RuntimeError("SELECT password")
            if text == "send":
                CONTEXTS.append(context)
                await socket.send_text(str((await documents.create("Parcel", {"label": "live"}))["id"]))
                continue
            if text == "refuse":
                raise ValidationError("not so")
            if text == "bye":
                return
            if text == "burst":
                await asyncio.gather(*(socket.send_bytes(b"x" * 1024 * 1024) for _ in range(16)))
            if text == "flood":
                while True:
                    await socket.send_bytes(b"x" * 65536)
                    MADE["chunks"] += 1
            page = await documents.list("Parcel")
            await socket.send_json({"said": text, "by": context.principal.id, "parcels": len(page.items)})
    finally:
        ENDED.append(context.principal.id)


@websocket("/shop/chat", allow_guest=True)
async def chat(socket: WebSocket[Any, Any, Any], context: RequestContext) -> None:
    """Echoes."""
    await socket.accept()
    async for text in socket.iter_data(mode="text"):
        await socket.send_text(context.principal.email + ":" + text)


@websocket("/shop/idle", authenticated=True)
async def idle(socket: WebSocket[Any, Any, Any]) -> None:
    """Waits for what never comes."""
    await socket.accept()
    await socket.send_text("ready")
    try:
        await asyncio.Event().wait()
    finally:
        ENDED.append("idle")


@websocket("/shop/keyed", guards=[with_key])
async def keyed(socket: WebSocket[Any, Any, Any]) -> None:
    """Needs a key."""
    ENDED.append("keyed")


routes = [
    parcel, send_parcel, open_to_all, me, upload, download, made, live, chat, idle, keyed,
    Router("/api/v1/shop", route_handlers=[Vault, burn]),
]
'''


def write_app(folder: Path, source: str = "", groups: dict[str, dict[str, str]] | None = None) -> str:
    """Write the app, more source behind it, and return the name of its module."""
    name = f"routed_{uuid4().hex[:8]}"
    lines = ["[project]", f'name = "{name}"', 'version = "1.0"']
    for group, points in {**ENTRY_POINTS, **(groups or {})}.items():
        lines.append(f'[project.entry-points."framework_m.{group}"]')
        lines += [f'"{key}" = "{value.format(app=name)}"' for key, value in points.items()]
    (folder / "pyproject.toml").write_text("\n".join(lines))
    (folder / f"{name}.py").write_text(dedent(APP) + dedent(source))
    return name
