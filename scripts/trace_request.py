"""Count the framework's files and functions that a warm request calls: `python -m scripts.trace_request`.

The app has one DocType with one field, on SQLite, behind the whole ASGI app. Extra layers and checks show here as files
and functions before they show in a benchmark.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from textwrap import dedent
from types import CodeType, FrameType
from typing import Any

import httpx

from framework_m_testing.apps import open_app

APP = """
    from framework_m import DocType


    class Note(DocType):
        title: str = ""

        class Meta:
            permissions = {action: {"Clerk": "own"} for action in ("create", "read", "write")}
"""
PROJECT = """
    [project]
    name = "traced"
    version = "0.1.0"
    [project.entry-points."framework_m.apps"]
    traced = "traced"
"""
WARM_UPS = 5


async def trace(request: Callable[[], Awaitable[httpx.Response]]) -> set[CodeType]:
    """Return the framework's code objects that a warm request runs."""
    for _ in range(WARM_UPS):
        (await request()).raise_for_status()
    found: set[CodeType] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and "/framework_m" in frame.f_code.co_filename and "/src/" in frame.f_code.co_filename:
            found.add(frame.f_code)

    sys.setprofile(note)
    try:
        response = await request()
    finally:
        sys.setprofile(None)
    response.raise_for_status()
    return {code for code in found if "framework_m_testing" not in code.co_filename}


async def measure(folder: Path) -> dict[str, set[CodeType]]:
    """Return what a POST of one field and a GET of one document run."""
    (folder / "pyproject.toml").write_text(dedent(PROJECT))
    (folder / "traced.py").write_text(dedent(APP))
    database = f"sqlite:///{folder / 'traced.db'}"
    async with open_app(folder, database=database) as app, app.client(app.user("Clerk")) as client:
        made = (await client.post("/api/v1/Note", json={"title": "a"})).json()
        return {
            "POST of one field": await trace(lambda: client.post("/api/v1/Note", json={"title": "a"})),
            "GET of one document": await trace(lambda: client.get(f"/api/v1/Note/{made['id']}")),
        }


def main() -> None:
    """Print the figures, and with `--list` what was counted."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder)))
    for name, codes in found.items():
        print(f"{name}: {len({code.co_filename for code in codes})} files, {len(codes)} functions")
        if "--list" in sys.argv:
            lines = {f"  {code.co_filename.partition('/src/')[2]}: {code.co_qualname}" for code in codes}
            print(*sorted(lines), sep="\n")


if __name__ == "__main__":
    main()
