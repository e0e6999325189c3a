"""A project of an app that may use every store, and an empty database on each server for one app."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from tests import mongo_server
from tests.mariadb_server import create_database, drop_database
from tests.mongo_variant import read_project
from tests.servers import create_schema, drop_schema

__all__ = ["Servers", "write_project"]

_VARIANTS: Final = "framework_m.variants"


def write_project(folder: Path, app: str, module: str) -> None:
    """Write the project of an app, with the entry points of the stores that are not installed."""
    groups = {"framework_m.apps": {app: module}, **read_project()["entry-points"]}
    entries = "".join(_entry_points(group, points) for group, points in groups.items() if group != _VARIANTS)
    (folder / "pyproject.toml").write_text(f'[project]\nname = "{app}"\nversion = "1"\n{entries}')


def _entry_points(group: str, points: Mapping[str, str]) -> str:
    return f'[project.entry-points."{group}"]\n' + "".join(f'{name} = "{value}"\n' for name, value in points.items())


@dataclass(frozen=True)
class Servers:
    """The addresses of the servers, in which each app has a schema or a database of its own."""

    postgres: str
    mariadb: str | None = None
    mongo: str | None = None

    @asynccontextmanager
    async def open(self, store: str, folder: Path) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the settings of a store that holds nothing, and drop it in the end."""
        if store == "memory":
            yield {}
        elif store == "sqlite":
            yield {"adapters.store": "default", "sql.url": f"sqlite:///{folder}/data.db"}
        elif store == "mongo":
            async with self._open_mongo() as settings:
                yield settings
        else:
            async with self._open_sql(store) as url:
                yield {"adapters.store": "default", "sql.url": url}

    @asynccontextmanager
    async def _open_sql(self, store: str) -> AsyncIterator[str]:
        url = await (create_schema(self.postgres) if store == "postgres" else create_database(self.mariadb or ""))
        try:
            yield url
        finally:
            await (drop_schema(url) if store == "postgres" else drop_database(url))

    @asynccontextmanager
    async def _open_mongo(self) -> AsyncIterator[Mapping[str, Any]]:
        url, name = self.mongo or "", f"test_{token_hex(8)}"
        try:
            yield {"adapters.store": "mongo", "mongo.url": url, "mongo.database": name}
        finally:
            await asyncio.to_thread(mongo_server.drop_database, url, name)
