"""Declarations of packages in the registry: by kind, with the function or class and its app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from framework_m_core.controllers.declaration import Declared, Registrar, declarations_of, declare
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.cache import CacheProtocol
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry


@dataclass(frozen=True)
class Nightly:
    """The declaration of a package's decorator."""

    at: int

    def register(self, registrar: Registrar, declared: Any, app: str) -> None:
        registrar.add(self, declared, app)


@dataclass(frozen=True)
class Report:
    """The declaration of another."""

    def register(self, registrar: Registrar, declared: Any, app: str) -> None:
        registrar.add(self, declared, app)


def nightly(at: int) -> Callable[[Any], Any]:
    """Have a function run at an hour."""
    return lambda declared: declare(declared, Nightly(at))


@nightly(3)
@nightly(5)
async def tidy(cache: CacheProtocol, days: int = 1) -> None: ...


@nightly(4)
class Archive:
    cache: CacheProtocol


def _build(*declared: tuple[Any, str]) -> RegistryBuilder:
    builder = RegistryBuilder()
    for one, app in declared:
        for declaration in declarations_of(one):
            declaration.register(builder, one, app)
    return builder


def _freeze(*declared: tuple[Any, str]) -> Registry:
    return _build(*declared).freeze()


def test_they_are_in_the_registry_by_kind_in_the_order_of_their_apps() -> None:
    registry = _freeze((tidy, "shop"), (Archive, "shop"), (declare(_freeze, Report()), "books"))
    assert registry.declared == {
        Nightly: (
            Declared(Nightly(5), tidy, "shop"),
            Declared(Nightly(3), tidy, "shop"),
            Declared(Nightly(4), Archive, "shop"),
        ),
        Report: (Declared(Report(), _freeze, "books"),),
    }


def test_one_that_an_app_states_twice_is_there_once() -> None:
    """Two entry points may name the same modules."""
    registry = _freeze((Archive, "shop"), (Archive, "shop"), (Archive, "books"))
    assert [one.app for one in registry.declared[Nightly]] == ["shop", "books"]


def test_a_rebuilt_registry_has_them_too() -> None:
    builder = _build((tidy, "shop"))
    before = builder.freeze()
    assert builder.freeze(before).declared == before.declared != {}


def test_the_ports_that_their_functions_request_are_known() -> None:
    registry = _freeze((tidy, "shop"), (Archive, "shop"))
    assert registry.dependencies == {tidy: {"cache": CacheProtocol}}


def test_a_function_whose_annotations_cannot_be_resolved_stops_the_start() -> None:
    @nightly(1)
    async def broken(cache: Missing) -> None: ...  # type: ignore[name-defined] # noqa: F821

    with pytest.raises(ConfigurationError) as refused:
        _freeze((broken, "shop"))
    (line,) = refused.value.errors
    assert "broken" in line and "'Missing'" in line


def test_a_registry_without_any_has_none() -> None:
    assert RegistryBuilder().freeze().declared == {}
