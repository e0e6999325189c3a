"""Fixtures that contracts ask for, the marker of capabilities, and the option of the report."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from framework_m_testing.clock import SetClock
from framework_m_testing.plugin.report import ADAPTER, CONTRACT, ContractsReport

__all__ = ["clock", "label_of", "pass_time", "pytest_addoption", "pytest_configure", "pytest_runtest_setup"]

_WORDS: Final = re.compile(r"[A-Z][a-z0-9]*")


@pytest.fixture
def clock() -> SetClock:
    """A clock that stands still until the test moves it."""
    return SetClock()


@pytest.fixture
def pass_time(clock: SetClock) -> Callable[[float], Awaitable[None]]:
    """Let this number of seconds pass for adapters that use `clock`."""

    async def advance(seconds: float) -> None:
        clock.move(seconds=seconds)

    return advance


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the report."""
    group = parser.getgroup("framework-m", "contracts of Framework M")
    group.addoption("--contracts-report", type=Path, metavar="FILE", help="write what each contract gave, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the report if it is asked for; workers of xdist leave it to their controller."""
    config.addinivalue_line("markers", "store_capability(capability): skipped by stores that do not claim it")
    if (file := config.getoption("--contracts-report")) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(ContractsReport(file))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note which contract a test belongs to, and which adapter it runs on."""
    cls = getattr(item, "cls", None)
    if cls is not None and callable(getattr(cls, "name_of_contract", None)):
        contract = cls.name_of_contract()
        item.user_properties += [(CONTRACT, contract), (ADAPTER, label_of(cls.__name__, contract, _kinds(item)))]


def label_of(test_class: str, contract: str, kinds: list[str]) -> str:
    """Return what an adapter is called in reports: the words of its test's class but for those of the contract.

    >>> label_of("TestRedisSessions", "SessionContract", [])
    'redis'
    >>> label_of("TestSqlReader", "ReaderContract", ["sqlite"])
    'sql (sqlite)'
    """
    name = re.sub(f"{contract.removesuffix('Contract')}s?(?![a-z])", "", test_class.removeprefix("Test"), count=1)
    words = [word.lower() for word in _WORDS.findall(name)]
    return " ".join(words).removeprefix("in ") + f" ({', '.join(kinds)})" * bool(kinds)


def _kinds(item: pytest.Item) -> list[str]:
    """Return the parameters of the test's fixtures, such as the kind of database, but not those of the test itself."""
    callspec = getattr(item, "callspec", None)
    own = {name.strip() for mark in item.iter_markers("parametrize") for name in _names(mark.args[0])}
    params: dict[str, Any] = callspec.params if callspec else {}
    return [value for name, value in params.items() if name not in own and isinstance(value, str)]


def _names(names: Any) -> list[str]:
    return names.split(",") if isinstance(names, str) else list(names)
