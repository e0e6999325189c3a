"""Framework M as a contender: started, filled and asked as a user would, with all its guards on."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.contender import Database, Links, Workplace
from benchmarks.dataset import (
    CUSTOMER_NAMES,
    ITEM_NAMES,
    LISTED_STATUS,
    ORDER_PATH,
    OWNERS,
    PAGE,
    VARIANTS,
    Order,
    as_json,
    business,
    orders,
    updatable,
)
from benchmarks.errors import BenchmarkError, NotRunError
from benchmarks.load.plan import Principal
from benchmarks.server import Server, child_environment, free_port
from benchmarks.stores.postgres import PostgresDatabase, PostgresServer
from benchmarks.stores.sqlite import SqliteDatabase
from benchmarks.works import POSTGRES_WORKS, SQLITE_WORKS

__all__ = ["APP", "M", "Product", "serve_command", "server_environment", "sync_schema"]

APP = Path(__file__).parent / "app"
M = Path(sys.executable).with_name("m")
ROLE = "Sales User"

# How a user starts the product; all else here speaks HTTP.
SYNC = ("user", "list")  # any command that opens the store brings its schema up, in development
CREATE_USER = ("user", "create", "{email}", "--role", ROLE, "--password-stdin")
SERVE = ("prod", "--host", "127.0.0.1", "--port", "{port}", "--workers", "1")
SECRETS = ("BENCH_SECRET",)  # what framework_config.toml takes from the environment


def serve_command(port: int) -> list[str]:
    """The command line that serves the app in the working directory."""
    return [str(M), *(part.format(port=port) for part in SERVE)]


def server_environment(url: str) -> dict[str, str]:
    """What every command of the product is given: its store, and secrets made for this run."""
    return {"DATABASE_URL": url} | {name: secrets.token_urlsafe(48) for name in SECRETS}


def sync_schema(app: Path, environment: dict[str, str]) -> None:
    """Bring the store's schema up to the app's DocTypes."""
    _m(SYNC, app, environment | {"M_FRAMEWORK__ENV": "development"})


@dataclass(frozen=True, slots=True)
class _Login:
    token: str
    renew_at: float


class Product:
    """Framework M serving `benchmarks/app`."""

    key = "ours"
    title = "Framework M"
    table = "salesorder"
    guarded = True

    def __init__(self, workplace: Workplace, database: Database) -> None:
        self.works = POSTGRES_WORKS if database.kind == "postgres" else SQLITE_WORKS
        self.database = database
        self.links = Links()
        self.rows: list[Order] = []
        self._workplace = workplace
        self._environment = server_environment(database.url)
        self._passwords = {email: secrets.token_urlsafe(24) for email in OWNERS}
        self._logins: dict[str, _Login] = {}
        self._owners: dict[str, str] = {}
        port = free_port()
        log = workplace.folder / f"{self.key}-{database.kind}.log"
        self.server = Server(serve_command(port), APP, self._environment, port, log)

    @classmethod
    def on_postgres(cls, workplace: Workplace, server: PostgresServer) -> Product:
        """The product with a database of its own."""
        _require_product()
        return cls(workplace, server.create(cls.key))

    @classmethod
    def on_sqlite(cls, workplace: Workplace) -> Product:
        """The product with a file of its own."""
        _require_product()
        return cls(workplace, SqliteDatabase(workplace.folder / f"{cls.key}.sqlite"))

    def prepare(self) -> None:
        """Migrate, make users, start the server, fill the tables."""
        sync_schema(APP, self._environment)
        for email, password in self._passwords.items():
            command = [part.format(email=email) for part in CREATE_USER]
            _m(command, APP, self._environment, password)
        self.server.start()
        self._owners = {email: self._probe_owner(email) for email in OWNERS}
        owners = list(self._owners.values())
        self.rows = list(orders(self._workplace.rows, owners))
        if isinstance(self.database, PostgresDatabase):
            self.database.fill(self.table, [*self.rows, *updatable(owners)])
            self.links = Links(
                [self._create("Customer", name, full_name=f"{name} Limited") for name in CUSTOMER_NAMES],
                [self._create("Item", name) for name in ITEM_NAMES],
            )
        else:
            self.database.clone(self.table, self._write_seeds(), self.rows)

    def principals(self) -> Sequence[Principal]:
        """The users with their bearer tokens."""
        return [
            Principal(owner, ("Authorization", f"Bearer {self._token(email)}")) for email, owner in self._owners.items()
        ]

    def list_path(self, owner: str) -> str:
        """The row scope is the token's; the path says nothing of the owner."""
        del owner
        filters = [{"field": "status", "operator": "eq", "value": LISTED_STATUS}]
        query = {"filters": json.dumps(filters), "order_by": "-modified", "limit": PAGE}
        return f"{ORDER_PATH}?{urlencode(query)}"

    def _token(self, email: str) -> str:
        login = self._logins.get(email)
        if login is None or time.monotonic() >= login.renew_at:
            login = self._logins[email] = self._log_in(email)
        return login.token

    def _log_in(self, email: str) -> _Login:
        body = json.dumps({"username": email, "password": self._passwords[email]})
        response = self.server.client.request("POST", "/api/v1/auth/login", body)
        if response.status not in (200, 201):
            raise BenchmarkError(f"Login of {email} answered {response.status}: {response.body!r}")
        found = response.json
        return _Login(found["access_token"], time.monotonic() + found["expires_in"] / 2)

    def _probe_owner(self, email: str) -> str:
        """What the product stores as the owner of this user's documents."""
        return str(self._post("SalesOrder", email, {"name": f"PROBE-{email}"} | business(1))["owner"])

    def _write_seeds(self) -> dict[str, str]:
        seeds = {}
        for number in range(VARIANTS):
            columns = business(number)
            name = f"SEED-{number}"
            self._post("SalesOrder", OWNERS[0], {"name": name} | columns)
            seeds[columns["title"]] = name
        return seeds

    def _create(self, doctype: str, name: str, **columns: str) -> str:
        return str(self._post(doctype, OWNERS[0], {"name": name} | columns)["id"])

    def _post(self, doctype: str, email: str, body: Mapping[str, object]) -> dict[str, object]:
        headers = {"Authorization": f"Bearer {self._token(email)}"}
        response = self.server.client.request("POST", f"/api/v1/{doctype}", as_json(dict(body)), headers)
        if response.status != 201:
            raise BenchmarkError(f"POST {doctype} answered {response.status}: {response.body!r}")
        created: dict[str, object] = response.json
        return created


def _require_product() -> None:
    if not M.exists():
        raise NotRunError(f"{M} is missing: the product is not installed in this environment")


def _m(arguments: Sequence[str], app: Path, environment: dict[str, str], given: str = "") -> None:
    ended = subprocess.run(
        [str(M), *arguments],
        cwd=app,
        env=child_environment(environment),
        input=f"{given}\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if ended.returncode != 0:
        said = "\n".join((ended.stdout + ended.stderr).splitlines()[-15:])
        raise BenchmarkError(f"m {' '.join(arguments)} ended with {ended.returncode}:\n{said}")
