"""`Container`: named singletons of the app, wired by parameter name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from dependency_injector import containers, providers

from framework_m_core.domain.errors import ConfigurationError

__all__ = ["Container"]


class Container:
    """App lifetime only: per request there is the scope and a unit of work, nothing else is built.

    Only bootstrap and the edges resolve from it. Tests override providers before the app is composed.
    """

    def __init__(self) -> None:
        self._container = containers.DynamicContainer()
        self._origins: dict[str, type | None] = {}
        self._overridden: set[str] = set()
        self._replacements: dict[str, Callable[..., Any]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that is bound."""
        return tuple(sorted(self._origins))

    def provide(self, name: str, value: object) -> None:
        """Binds a finished object."""
        self._bind(name, providers.Object(value), type(value))

    def bind(self, name: str, factory: Callable[..., Any]) -> None:
        """Binds a class or function, built once when first asked for from what its parameters name.

        Raises ConfigurationError for a parameter that nothing is bound to, or something of another type.
        """
        arguments = {parameter: self._argument(name, factory, parameter) for parameter in _required(factory)}
        self._bind(name, providers.Singleton(factory, **arguments), factory if isinstance(factory, type) else None)

    def override(self, name: str, value: object) -> None:
        """Binds an object that later bindings of the same name leave in place; for tests."""
        self.provide(name, value)
        self._overridden.add(name)

    def replace(self, name: str, factory: Callable[..., Any]) -> None:
        """Has a class or function, wired by parameter name, take the place of whatever is bound to a name later."""
        self._replacements[name] = factory

    def build(self, factory: Callable[..., Any], **given: object) -> Any:
        """The result of a class or function, called with what is given and what its other parameters name."""
        place = getattr(factory, "__qualname__", str(factory))
        needed = [parameter for parameter in _required(factory) if parameter not in given]
        return factory(**given, **{name: self._argument(place, factory, name)() for name in needed})

    def get(self, name: str) -> Any:
        """The singleton of a name. Raises ConfigurationError when nothing is bound to it."""
        if name not in self._origins:
            raise ConfigurationError(f"nothing is bound to {name!r}: bound are {', '.join(self.names)}")
        return getattr(self._container, name)()

    def _bind(self, name: str, provider: Any, origin: type | None) -> None:
        if name in self._overridden:
            return
        if factory := self._replacements.pop(name, None):
            self.bind(name, factory)
            self._overridden.add(name)
            return
        setattr(self._container, name, provider)
        self._origins[name] = origin

    def _argument(self, name: str, factory: Callable[..., Any], parameter: str) -> Any:
        place = f"{getattr(factory, '__module__', '?')}.{getattr(factory, '__qualname__', factory)}"
        if parameter not in self._origins:
            raise ConfigurationError(
                f"{name}: {place} needs a parameter {parameter!r}, which is not bound: bound are "
                f"{', '.join(self.names)}"
            )
        wanted, origin = _hint(factory, parameter), self._origins[parameter]
        if isinstance(wanted, type) and wanted is not Any and origin and not _fits(origin, wanted):
            raise ConfigurationError(
                f"{name}: {place} wants {parameter!r} to be {wanted.__name__}, bound is {origin.__name__}"
            )
        return getattr(self._container, parameter)


def _required(factory: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(factory).parameters.values()
    return [parameter.name for parameter in parameters if parameter.default is parameter.empty]


def _hint(factory: Callable[..., Any], parameter: str) -> Any:
    function = vars(factory).get("__init__", factory) if isinstance(factory, type) else factory
    try:
        return get_type_hints(function).get(parameter)
    except NameError:
        return None


def _fits(origin: type, wanted: type) -> bool:
    """Whether a bound class serves; of a protocol it must have the methods."""
    if getattr(wanted, "_is_protocol", False):
        methods = [name for name in vars(wanted) if callable(vars(wanted)[name]) and not name.startswith("_")]
        return all(hasattr(origin, name) for name in methods)
    return issubclass(origin, wanted)
