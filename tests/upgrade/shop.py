"""A small app in a folder of its own, whose classes change from version to version, and its real `m`."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from tests.commands import run_m, run_python

M = Path(sys.executable).with_name("m")
PROJECT = """
[project]
name = "shop"
version = "0.1.0"

[project.entry-points."framework_m.apps"]
shop = "shop"
"""
FIRST = """
from uuid import UUID

from framework_m import DocType, Field


class Line(DocType):
    what: str

    class Meta:
        is_child_table = True


class Customer(DocType):
    title: str = Field(unique=True)
    fax: str | None = None


class Order(DocType):
    customer: UUID = Field(link="Customer")
    lines: list[Line] = []
"""
SECOND = FIRST.replace("    fax: str | None = None\n", "    phone: str = Field(default='none', index=True)\n").replace(
    "    what: str\n", "    what: str\n    amount: int = 1\n"
)
PRODUCTION = {"M_FRAMEWORK__ENV": "production", "M_AUTH__SECRET": "0123456789abcdef" * 3, "M_HTTP__CORS_ORIGINS": ""}


@dataclass
class Shop:
    """The folder, and the database that its commands are given."""

    folder: Path
    url: str
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, folder: Path, url: str, source: str = FIRST) -> Shop:
        """An app of these classes."""
        folder.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(PROJECT)
        shop = cls(folder, url)
        shop.declare(source)
        return shop

    def declare(self, source: str) -> None:
        """Changes the classes."""
        (self.folder / "shop.py").write_text(source)

    def m(self, *arguments: str, code: int = 0, **variables: str) -> str:
        """Runs `m`, which must end with the code, and returns what it says."""
        done = run_m(arguments, cwd=self.folder, env=self._variables(variables))
        said = done.stdout + done.stderr
        assert done.returncode == code, (arguments, done.returncode, said)
        assert "Traceback" not in said
        return said

    def begin(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Starts `m`."""
        return subprocess.Popen(
            [str(M), *arguments], cwd=self.folder, env=self._variables(variables), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def _variables(self, more: Mapping[str, str]) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("M_", "DATABASE_URL"))}
        return {**kept, "DATABASE_URL": self.url, "PYTHONUNBUFFERED": "1", **self.environment, **more}

    def do(self, code: str) -> str:
        """Runs lines of Python with the documents of the app, as the system; `documents` stands for them."""
        body = "\n".join(f"        {line}" for line in code.strip().splitlines())
        program = (
            "import asyncio\n"
            "from framework_m_core.bootstrap.application import open_application\n"
            "from framework_m_core.domain.context import make_system_context\n"
            "async def main():\n"
            "    async with open_application() as app:\n"
            "        documents = app.documents.client_for(make_system_context('a test', source='cli'))\n"
            f"{body}\n"
            "asyncio.run(main())\n"
        )
        environment = {**os.environ, "DATABASE_URL": self.url, **self.environment}
        done = run_python(program, cwd=self.folder, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sell(self, *titles: str) -> None:
        """Stores a customer and an order of two lines for each title."""
        for title in titles:
            self.do(
                f"customer = await documents.create('Customer', {{'title': {title!r}}})\n"
                "lines = [{'what': 'chair'}, {'what': 'desk'}]\n"
                "await documents.create('Order', {'customer': customer['id'], 'lines': lines})\n"
            )

    def write(self, name: str, text: str) -> Path:
        """Writes a file of the migrations."""
        path = self.folder / "migrations" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def revisions(self) -> Iterator[Path]:
        """The revision files, the oldest first."""
        yield from sorted((self.folder / "migrations" / "versions").glob("*.py"))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of the database, or what a statement does there."""
        if self.url.startswith("sqlite"):
            with sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=10) as connection:
                return connection.execute(sql).fetchall()
        return asyncio.run(self._postgres_rows(sql))

    def script(self, sql: str) -> None:
        """Runs several statements."""
        if self.url.startswith("sqlite"):
            file = Path(self.url.removeprefix("sqlite:///"))
            file.touch(mode=0o600)
            with sqlite3.connect(file) as connection:
                connection.executescript(sql)
        else:
            asyncio.run(self._postgres_script(sql))

    async def _postgres_script(self, sql: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def _postgres_rows(self, sql: str) -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()
