"""Adapters are opened after what they were made from, and closed before it, whatever fails."""

from __future__ import annotations

import logging

import pytest

from framework_m_core.bootstrap.adapter_lifecycle import AdapterLifecycle
from framework_m_core.container.container import Container
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.bootstrap import ROLES
from tests.errors import assert_names

JOURNAL: list[str] = []


class Client:
    failing = ""

    def __init__(self) -> None:
        JOURNAL.clear()

    async def open(self) -> None:
        await self._note("open")

    async def ping(self) -> None:
        await self._note("ping")

    async def close(self) -> None:
        await self._note("close")

    async def _note(self, what: str) -> None:
        JOURNAL.append(f"{type(self).__name__}.{what}")
        if what == self.failing:
            raise RuntimeError(what)


class Cache(Client):
    def __init__(self, client: Client) -> None:
        self.client = client


class Files:
    """A port whose own method is called as one of the lifecycle's."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def open(self, path: str) -> str:
        raise AssertionError(path)


@pytest.fixture
def container() -> Container:
    made = Container()
    made.bind("client", Client)
    made.bind("files", Files)
    made.bind("cache", Cache)
    for name in ("files", "cache"):
        made.get(name)
    return made


async def test_a_shared_client_is_opened_first_and_once_and_closed_last(container: Container) -> None:
    adapters = AdapterLifecycle(container, ["worker"], ROLES)
    await adapters.open()
    await adapters.open()
    await adapters.ping()
    await adapters.close()
    await adapters.close()
    assert JOURNAL == ["Client.open", "Cache.open", "Client.ping", "Cache.ping", "Cache.close", "Client.close"]


async def test_one_that_cannot_be_opened_is_closed_with_those_before_it(container: Container) -> None:
    container.get("cache").failing = "open"
    adapters = AdapterLifecycle(container, ["worker"], ROLES)
    with pytest.raises(RuntimeError, match="open"):
        await adapters.open()
    await adapters.close()
    assert JOURNAL == ["Client.open", "Cache.open", "Cache.close", "Client.close"]


async def test_one_that_cannot_be_closed_keeps_no_other_open(
    container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    container.get("cache").failing = "close"
    adapters = AdapterLifecycle(container, ["worker"], ROLES)
    await adapters.open()
    with caplog.at_level(logging.ERROR):
        await adapters.close()
    assert JOURNAL[-1] == "Client.close"
    assert [(record.args, record.levelname) for record in caplog.records] == [(("cache",), "ERROR")]


async def test_an_adapter_is_as_well_as_its_ping_says(container: Container) -> None:
    adapters = AdapterLifecycle(container, ["worker"], ROLES)
    await adapters.open()
    container.get("cache").failing = "ping"
    with pytest.raises(RuntimeError, match="ping"):
        await adapters.ping()


class Bus(Client):
    roles = frozenset({"worker", "relay"})


class Mailer(Client):
    roles = ("web",)


class Directory(Client):
    @property
    def roles(self) -> list[str]:
        """A member of its port that only has the name."""
        raise AssertionError


@pytest.mark.parametrize(
    ("roles", "opened"),
    [(["worker"], ["Bus", "Directory"]), (["cli"], ["Directory"]), (["web", "relay"], ["Bus", "Mailer", "Directory"])],
)
async def test_an_adapter_is_opened_where_its_roles_are(roles: list[str], opened: list[str]) -> None:
    container = Container()
    for name, adapter in (("bus", Bus), ("mailer", Mailer), ("directory", Directory)):
        container.bind(name, adapter)
        container.get(name)
    adapters = AdapterLifecycle(container, roles, ROLES)
    await adapters.open()
    await adapters.ping()
    await adapters.close()
    assert [
        *(f"{one}.open" for one in opened),
        *(f"{one}.ping" for one in opened),
        *(f"{one}.close" for one in reversed(opened)),
    ] == JOURNAL


@pytest.mark.parametrize(("roles", "told"), [(("wrker",), "'wrker'"), ("worker", "'worker'")])
async def test_roles_that_no_process_has_are_refused(roles: object, told: str) -> None:
    container = Container()
    container.bind("bus", type("Bus", (Client,), {"roles": roles}))
    container.get("bus")
    with pytest.raises(ConfigurationError) as refused:
        await AdapterLifecycle(container, ["worker"], ROLES).open()
    assert_names(refused.value, "roles", "adapter bus", told)
    assert JOURNAL == []
