"""A sample app on one store, and every way by which a value gets into it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic_core import to_json

from framework_m_core.domain.errors import ValidationError
from framework_m_core.domain.fields.json_form import to_json_form
from framework_m_testing.apps import AppClient, open_app
from tests.fuzz.databases import write_project
from tests.fuzz.spellings import ANNOTATIONS

__all__ = ["Outcome", "ValueStore", "open_store", "write_app"]

_HEADER: Final = '''"""One field of each kind, in documents, rows and calls."""

from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any, Literal
from uuid import UUID

from framework_m import DocType, Field, rpc


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2
'''
_JSON: Final = {"content-type": "application/json"}


@dataclass(frozen=True)
class Outcome:
    """What became of a value: what is read back, as canonical JSON, or the code that refused it."""

    value: str | None = None
    code: str | None = None


def write_app(folder: Path) -> None:
    """Write the sample app into a folder, with the entry points of the stores that are not installed."""
    fields = "".join(
        f"    {name}: {kind} | None = Field(default=None{', scale=2' if kind == 'Decimal' else ''})\n"
        for name, kind in ANNOTATIONS.items()
    )
    row = f"class Row(DocType):\n{fields}\n    class Meta:\n        is_child_table = True\n"
    document = f"class Sample(DocType):\n{fields}    rows: list[Row] = []\n"
    calls = "\n\n".join(
        f'@rpc("values.{name}", allow_guest=True)\n'
        f"async def take_{name}(value: {kind} | None) -> Any:\n    return value\n"
        for name, kind in ANNOTATIONS.items()
    )
    (folder / "sample_values.py").write_text("\n\n".join([_HEADER, row, document, calls]))
    write_project(folder, "values", "sample_values")


class ValueStore:
    """The app on one store."""

    def __init__(self, app: AppClient, client: httpx.AsyncClient) -> None:
        self._app = app
        self._client = client

    async def outcomes(self, name: str, text: str) -> dict[str, Outcome]:
        """Send a value of a field in every way, and return what became of it, by way."""
        return {
            "create": await self._create(f'{{"{name}": {text}}}', name),
            "update": await self._update(f'{{"{name}": {text}}}', name),
            "row of create": await self._create(f'{{"rows": [{{"{name}": {text}}}]}}', "rows", name),
            "row of update": await self._update(f'{{"rows": [{{"{name}": {text}}}]}}', "rows", name),
            "Python": await self._create_in_python(name, json.loads(text, parse_float=Decimal)),
        }

    async def call(self, name: str, text: str) -> Outcome:
        """Send a value as the argument of a call."""
        response = await self._client.post(
            f"/api/v1/rpc/fn/values.{name}", content=f'{{"value": {text}}}', headers=_JSON
        )
        return _outcome(response, "result")

    async def _create(self, body: str, *path: str) -> Outcome:
        response = await self._client.post("/api/v1/Sample", content=body, headers=_JSON)
        if response.status_code != 201:
            return _outcome(response)
        read = await self._client.get(response.headers["location"])
        assert read.json() == response.json(), (response.text, read.text)
        return _outcome(read, *path)

    async def _update(self, body: str, *path: str) -> Outcome:
        made = (await self._client.post("/api/v1/Sample", content="{}", headers=_JSON)).headers["location"]
        response = await self._client.patch(made, content=body, headers=_JSON)
        if response.status_code != 200:
            return _outcome(response)
        read = await self._client.get(made)
        assert read.json() == response.json(), (response.text, read.text)
        sent_back = await self._client.patch(made, content=read.content, headers=_JSON)
        assert sent_back.json() == read.json(), (sent_back.text, read.text)
        return _outcome(read, *path)

    async def _create_in_python(self, name: str, value: Any) -> Outcome:
        system, plan = self._app.system, self._app.registry.get("Sample")
        try:
            made = await system.create("Sample", {name: value})
        except ValidationError as error:
            return Outcome(code=error.errors[0].code)
        read = await system.get("Sample", made["id"])
        return Outcome(_canonical(json.loads(to_json(to_json_form(read, plan.json_encoders)))[name]))


def _outcome(response: httpx.Response, *path: str) -> Outcome:
    assert response.status_code in {200, 201, 400}, response.text
    body = response.json()
    if response.status_code == 400:
        return Outcome(code=body["errors"][0]["code"] if body.get("errors") else body["code"])
    for part in path:
        body = body[part][0] if part == "rows" else body[part]
    return Outcome(_canonical(body))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


@asynccontextmanager
async def open_store(folder: Path, settings: Mapping[str, Any]) -> AsyncIterator[ValueStore]:
    """Open the app of a folder on the store that the settings choose."""
    async with open_app(folder, settings=settings) as app, app.client(app.user("Administrator")) as client:
        yield ValueStore(app, client)
