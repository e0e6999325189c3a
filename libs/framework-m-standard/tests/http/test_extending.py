"""An app that is not installed brings ports, overrides and middleware, by its pyproject.toml alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from uuid import uuid4

import httpx
import pytest

from framework_m_core.bootstrap.application import open_application
from framework_m_core.domain.errors import ConfigurationError
from framework_m_testing.deliveries import drain_all
from tests.errors import assert_names

SERVING = ("web",)
APP = """
from datetime import datetime, UTC
from typing import Any, Protocol

from framework_m import Controller, DocCreated, DocType, Documents, on, requires_permission, rpc, whitelist


class Rates(Protocol):
    \"\"\"What a currency is worth.\"\"\"

    def worth(self, currency: str) -> int: ...


class FixedRates:
    def __init__(self) -> None:
        self.told: list[str] = []

    def worth(self, currency: str) -> int:
        self.told.append(currency)
        return 7


class Worthless:
    pass


class Deal(DocType):
    currency: str = "EUR"
    worth: int = 0

    class Meta:
        permissions = {action: {"Guest": "all"} for action in ("create", "read", "write")}


class DealController(Controller[Deal]):
    rates: Rates

    async def validate(self) -> None:
        self.doc.worth = self.rates.worth(self.doc.currency)

    @whitelist(allow_guest=True, document=False)
    async def twice(self, times: int, rates: Rates) -> int:
        return times * rates.worth("method") + self.rates.worth("self")


@rpc("deals.worth", allow_guest=True)
async def worth(currency: str, rates: Rates) -> int:
    return rates.worth(currency)


@on("Deal", DocCreated)
async def told(event: DocCreated, documents: Documents, rates: Rates) -> None:
    rates.worth("event")


def frozen_clock():
    return lambda: datetime(2030, 1, 31, tzinfo=UTC)


def _adding(name: bytes, order: int) -> Any:
    def around(app: Any, settings: Any) -> Any:
        async def call(scope: Any, receive: Any, send: Any) -> None:
            async def answer(message: Any) -> None:
                if message["type"] == "http.response.start":
                    message["headers"].append((b"x-order", name))
                    message["headers"].append((b"x-env", settings.framework.env.encode()))
                await send(message)

            await app(scope, receive, answer)

        return call

    around.order = order
    return around


outer, inner = _adding(b"outer", 1), _adding(b"inner", 2)
no_order = lambda app: app
"""
DOUBLED = """
from framework_m.container import container


class DoubledRates:
    def __init__(self, original: Rates) -> None:
        self.original = original

    def worth(self, currency: str) -> int:
        return 2 * self.original.worth(currency)


"""
GROUPS = {
    "apps": {"shop": "{app}"},
    "ports": {"rates": "{app}:Rates"},
    "adapters.rates": {"default": "{app}:FixedRates"},
    "overrides": {"clock": "{app}:frozen_clock"},
    "middleware": {"inner": "{app}:inner", "outer": "{app}:outer"},
}

type Groups = dict[str, dict[str, str]]
type MakeApp = Callable[..., Path]


@pytest.fixture
def make_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeApp:
    """Writes an app under a name of its own, with the entry points given."""
    name = f"extending_{uuid4().hex[:8]}"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'app.db'}")

    def make(groups: Groups, source: str = "") -> Path:
        lines = ["[project]", f'name = "{name}"']
        for group, points in ((group, points) for group, points in groups.items() if points):
            lines.append(f'[project.entry-points."framework_m.{group}"]')
            lines += [f'{key} = "{value.format(app=name)}"' for key, value in points.items()]
        (tmp_path / "pyproject.toml").write_text("\n".join(lines))
        (tmp_path / f"{name}.py").write_text(dedent(APP) + source)
        return tmp_path

    return make


async def test_everything_an_app_brings_takes_part(make_app: MakeApp) -> None:
    async with open_application(make_app(GROUPS), roles=SERVING) as app:
        transport = httpx.ASGITransport(app.container.get("web"))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            made = await client.post("/api/v1/Deal", json={"currency": "USD"})
            called = await client.post("/api/v1/rpc/fn/deals.worth", json={"currency": "CHF"})
            twice = await client.post("/api/v1/rpc/Deal/twice", json={"times": 2})
        await drain_all(app.container.get("event_delivery"))
        rates = app.container.get("rates")
    assert (made.status_code, made.json()["worth"], made.json()["creation"][:10]) == (201, 7, "2030-01-31")
    assert (called.json(), twice.json()) == ({"result": 7}, {"result": 21})
    assert rates.told == ["USD", "CHF", "method", "self", "event"]
    assert made.headers.get_list("x-order") == ["inner", "outer"]
    assert made.headers["x-env"] == "development, development"


@pytest.mark.parametrize(
    "line",
    [
        "container.shop.rates.override(DoubledRates(FixedRates()))",
        "container.shop.rates.override(DoubledRates)",
        "container.shop.rates.override(DoubledRates, original=FixedRates())",
    ],
)
async def test_a_module_overrides_what_the_container_gives(make_app: MakeApp, line: str) -> None:
    folder = make_app(GROUPS, DOUBLED + line)
    async with open_application(folder) as app:
        assert app.container.get("rates").worth("USD") == 14
        with pytest.raises(ConfigurationError) as refused:
            app.container.override("rates", object())
        assert_names(refused.value, "'rates'", "in use")


async def test_an_override_of_a_port_that_no_app_declares_stops_the_start(make_app: MakeApp) -> None:
    folder = make_app(GROUPS, DOUBLED + "container.shop.rate.override(DoubledRates)")
    with pytest.raises(ConfigurationError) as refused:
        async with open_application(folder):
            """Never reached."""
    assert_names(refused.value, "container.shop.rate", "'shop.rates'")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"ports": {"rates": "{app}:FixedRates"}}, "expected a typing.Protocol"),
        (
            {"ports": {"counter": "{app}:Rates"}, "adapters.rates": {}},
            "the framework already has a port with this name",
        ),
        ({"ports": {"override": "{app}:Rates"}, "adapters.rates": {}}, "the name is an attribute of the container"),
        ({"adapters.rates": {}}, "no installed package offers an adapter: add one under framework_m.adapters.rates"),
        ({"adapters.rates": {"default": "{app}:Worthless"}}, "Worthless is missing worth"),
        ({"ports": {}, "adapters.rates": {}}, "Rates is not a port: declare it under framework_m.ports"),
        ({"ports": {}}, "under framework_m.adapters.rates: there is no such port"),
        ({"overrides": {"clok": "{app}:frozen_clock"}}, "nothing is bound to it: did you mean 'clock'"),
        ({"middleware": {"inner": "{app}:no_order"}}, "with an integer 'order'"),
        ({"middlewares": {"inner": "{app}:inner"}}, "did you mean 'framework_m.middleware'?"),
    ],
)
async def test_what_cannot_take_part_stops_the_start(make_app: MakeApp, changed: Groups, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        async with open_application(make_app({**GROUPS, **changed}), roles=SERVING):
            """Never reached."""
    assert said in str(refused.value)


async def test_groups_near_ours_in_name_alone_are_nobodys_business(make_app: MakeApp) -> None:
    folder = make_app({"apps": {"shop": "{app}"}, "ports": GROUPS["ports"], "adapters.rates": GROUPS["adapters.rates"],
                       "cache": {"own": "{app}:inner"}})  # fmt: skip
    async with open_application(folder) as app:
        assert "Deal" in app.registry.doctypes
