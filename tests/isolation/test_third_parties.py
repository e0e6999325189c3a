"""Packages of others take part once they are installed: an adapter, a step, a port, an override, stages of writes, a
consumer of events, and what one adds to DocTypes."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.isolation.environments import ROOT, Environment, build_app, make_environment

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("isolation")]

BRINGING = ("acme-cache", "acme-clock", "acme-indexer", "acme-money", "acme-periods", "acme-rates")
PACKAGES = (*BRINGING, "acme-ledger")
PROJECT = """
    [project]
    name = "deals"
    version = "0.1.0"
    [project.entry-points."framework_m.apps"]
    deals = "deals"
"""
CONFIG = """
    [framework]
    apps = ["deals", "acme_ledger"]

    [adapters]
    cache = "acme"

    [acme_cache]
    prefix = "deals:"

    [acme_cache.cluster]
    host = "cache.example"
    port = 7001
"""
APP = """
    from datetime import timedelta
    from decimal import Decimal

    from acme_indexer import indexed
    from acme_money import Money
    from acme_rates import Rates

    from framework_m import CacheProtocol, Controller, DocType, requires_permission, whitelist


    class Deal(DocType):
        currency: str = "EUR"
        worth: int = 0
        price: Money = Money(Decimal(1), "EUR")
        lasts: timedelta | None = None

        class Meta:
            ext = {"acme": {"ledger": "sales"}}
            permissions = {"create": {"Clerk": "all"}, "read": {"Clerk": "all"}, "approve": {"Clerk": "all"}}


    class DealController(Controller[Deal]):
        rates: Rates
        cache: CacheProtocol

        async def validate(self) -> None:
            self.doc.worth = self.rates.worth(self.doc.currency)
            await self.cache.set(self.doc.currency, self.doc.worth)

        @whitelist()
        @requires_permission("approve")
        async def approve(self) -> bool:
            return True


    @indexed("Deal")
    async def words(deal: dict, rates: Rates) -> list[str]:
        return [deal["currency"], str(rates.worth(deal["currency"]))]


    class Entry(DocType):
        posted: str = "2030-02-01"
        writes: int = 0

        class Meta:
            submittable = True
"""
SCRIPT = """
import asyncio, json
from framework_m_core.bootstrap.application import open_application
from framework_m_core.domain.context import make_system_context

async def main():
    async with open_application(roles=["indexer"]) as app:
        context = make_system_context("a test", clock=app.container.get("clock"), source="cli")
        body = {"price": {"amount": "2.50", "currency": "INR"}, "lasts": "1.500000"}
        deal = await app.documents.create(context, "Deal", body)
        cache, step = app.container.get("cache"), app.container.get("indexer_step")
        index = app.container.get("index")
        await app.ping()
        found = {
            "worth": deal["worth"], "price": [str(deal["price"].amount), deal["price"].currency],
            "lasts": deal["lasts"].total_seconds(), "ledger": app.registry.get("Deal").meta.ext["acme"]["ledger"],
            "created": deal["creation"].isoformat()[:10], "cached": cache._values,
            "indexed": index.doctypes, "words": await index.read_words(context, "Deal", deal),
            "roles": sorted(app.roles),
        }
    print(json.dumps(found | {"events": cache.events, "closed": step.is_closed}))

asyncio.run(main())
"""
SETTINGS = """
import asyncio, json
from framework_m_core.bootstrap.application import open_application

async def main():
    async with open_application() as app:
        cluster = app.container.get("cache").cluster
    print(json.dumps([cluster.host, cluster.port, cluster.password.get_secret_value()]))

asyncio.run(main())
"""
WRITES = """
import asyncio, json
from uuid import UUID

import httpx
from framework_m_core.bootstrap.application import open_application
from framework_m_core.domain.context import make_system_context
from framework_m_core.domain.errors import ValidationError

PASSWORD = "correct horse battery"
CLOSED = {"posted": "2030-01-31"}


async def refused(work):
    try:
        await work
    except ValidationError as error:
        return error.errors[0].code
    return "written"


async def by_python(app):
    entries = app.documents.client_for(make_system_context("a test", source="cli"))
    entry = await entries.create("Entry", {})
    ref, counts = entry["id"], [entry["writes"]]
    found = [await refused(entries.create("Entry", CLOSED)), await refused(entries.update("Entry", ref, CLOSED))]
    for write in (lambda: entries.update("Entry", ref, {"posted": "2030-03-01"}), lambda: entries.submit("Entry", ref),
                  lambda: entries.cancel("Entry", ref)):
        counts.append((await write())["writes"])
    return {"counts": counts, "refused": found + await moved_back(app, entries)}


async def moved_back(app, entries):
    found = []
    for docstatus, verb in ((0, "submit"), (1, "cancel"), (0, "delete")):
        entry = await entries.create("Entry", {})
        await close(app, entry["id"], docstatus)
        found.append(await refused(getattr(entries, verb)("Entry", entry["id"])))
    return found


async def close(app, ref, docstatus):
    async with app.container.get("unit_of_work")(make_system_context("a test", source="cli")) as unit:
        stored = await unit.repository("Entry").get(UUID(str(ref)))
        stored.posted, stored.docstatus = CLOSED["posted"], docstatus
        await unit.repository("Entry").update(stored, expected_version=stored.row_version)
        await unit.commit()


async def by_http(app):
    await app.container.get("identity").create("ada@example.com", PASSWORD, ["Administrator"])
    transport = httpx.ASGITransport(app.container.get("web"))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        login = await client.post("/api/v1/auth/login", json={"username": "ada@example.com", "password": PASSWORD})
        client.headers["authorization"] = f"Bearer {login.json()['access_token']}"
        entry = (await client.post("/api/v1/Entry", json={})).json()
        path, answers = f"/api/v1/Entry/{entry['id']}", []
        answers.append(await client.post("/api/v1/Entry", json=CLOSED))
        answers.append(await client.patch(path, json=CLOSED))
        for docstatus, verb in ((0, "submit"), (1, "cancel")):
            await close(app, entry["id"], docstatus)
            answers.append(await client.post(f"{path}/{verb}"))
        await close(app, entry["id"], 0)
        answers.append(await client.delete(path))
        answers.append(await client.delete(path + "?hard=true"))
        return {"counted": entry["writes"], "refused": [answer.json()["errors"][0]["code"] for answer in answers]}


async def main():
    async with open_application(roles=["web"], until=50) as app:
        print(json.dumps({"python": await by_python(app), "http": await by_http(app)}))

asyncio.run(main())
"""
LEDGER = """
import asyncio, json
from acme_ledger import ENTRIES, EntryBooked
from framework_m_core.bootstrap.application import open_application
from framework_m_core.domain.context import make_system_context
from framework_m_core.services.events.turn import LEASE

async def main():
    async with open_application() as app:
        context = make_system_context("a test", clock=app.container.get("clock"), source="cli")
        deal = await app.documents.create(context, "Deal", {})
        await app.documents.publish(context, EntryBooked(account="cash", amount=1))
        for runner in await app.container.get("event_delivery").prepare():
            async with runner.take_turn() as turn:
                while not turn.is_idle:
                    await turn.step()
                    await turn.wait()
        states = await app.container.get("consumers").read_states(app.container.get("clock")(), LEASE)
    found = [entry for entry in ENTRIES if not entry[0].endswith((":Role", ":User"))]
    print(json.dumps({
        "id": str(deal["id"]), "entries": found, "consumers": {one.name: one.interest.patterns for one in states},
        "waits": [one.name for one in states if one.waits_since],
    }))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def environment(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Our wheels and those of the packages, and nothing of the workspace."""
    folder = tmp_path_factory.mktemp("third-parties")
    built = [build_app(ROOT / "tests/third_parties" / name, folder / name) for name in PACKAGES]
    ours = [f"{name} @ {wheels[name].as_uri()}" for name in ("framework-m-core", "framework-m-standard", "framework-m")]
    return make_environment(folder / "environment", [*ours, *map(str, built)])


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app that uses what the packages bring."""
    files = {"pyproject.toml": PROJECT, "framework_config.toml": CONFIG, "deals.py": APP}
    for name, text in files.items():
        (tmp_path / name).write_text(dedent(text))
    return tmp_path


def test_an_app_works_with_all_of_them(environment: Environment, app: Path) -> None:
    done = environment.run("python", "-c", SCRIPT, folder=app)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found == {
        "worth": 7,
        "price": ["2.50", "INR"],
        "lasts": 1.5,
        "ledger": "sales",
        "created": "2030-01-31",
        "cached": {"deals:EUR": "7"},
        "indexed": ["Deal"],
        "words": ["EUR", "7"],
        "roles": ["indexer"],
        "events": ["open", "ping", "close"],
        "closed": True,
    }


@pytest.mark.parametrize("store", ["default", "memory"])
def test_its_stages_act_on_every_write(environment: Environment, app: Path, store: str) -> None:
    config = (app / "framework_config.toml").read_text()
    (app / "framework_config.toml").write_text(config.replace("[adapters]\n", f'[adapters]\nstore = "{store}"\n'))
    done = environment.run("python", "-c", WRITES, folder=app)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["python"] == {"counts": [1, 2, 3, 4], "refused": ["closed_period"] * 5}
    assert found["http"] == {"counted": 1, "refused": ["closed_period"] * 6}


def test_a_consumer_of_another_package_gets_every_event_and_publishes_its_own(
    environment: Environment, app: Path
) -> None:
    done = environment.run("python", "-c", LEDGER, folder=app)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    entries = [tuple(entry) for entry in found["entries"]]
    assert entries.count(("doc.created:Deal", found["id"])) == 1
    assert entries.count(("acme_ledger.entry_booked", "cash")) == 1
    assert entries.count(("acme_ledger.entry_booked", "Deal")) == 1
    assert (found["consumers"], found["waits"]) == ({"acme_ledger": ["*"]}, [])


def test_what_takes_part_is_told_with_its_distribution(environment: Environment, app: Path) -> None:
    done = environment.run("m", "info", "--verbose", folder=app)
    assert done.returncode == 0, done.stderr
    for distribution in BRINGING:
        assert distribution in done.stdout, done.stdout
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert rows[rows.index("declarations of packages") + 1] == "deals IndexMark deals.words"


def test_a_step_of_another_role_does_not_run(environment: Environment, app: Path) -> None:
    done = environment.run("m", "console", "-c", "print('index' in app.container.names)", folder=app)
    assert done.stdout.strip().splitlines()[-1:] == ["False"], done.stderr


def test_the_environment_sets_what_is_in_a_table_of_their_settings(environment: Environment, app: Path) -> None:
    variables = {"M_ACME_CACHE__CLUSTER__PORT": "7002", "M_ACME_CACHE__CLUSTER__PASSWORD": "hunter2"}
    done = environment.run("python", "-c", SETTINGS, folder=app, variables=variables)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["cache.example", 7002, "hunter2"]
    shown = environment.run("m", "config", "show", folder=app, variables=variables).stdout
    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert f'cluster.host = "cache.example" # {app}/framework_config.toml' in rows
    assert "cluster.port = 7002 # M_ACME_CACHE__CLUSTER__PORT" in rows
    assert 'cluster.password = "***" # M_ACME_CACHE__CLUSTER__PASSWORD' in rows
