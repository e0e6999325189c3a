"""`Container`: named singletons of the app, wired by parameter name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from framework_m_core.domain.errors import ConfigurationError

__all__ = ["Container"]


_ANY_NUMBER = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class _Singleton:
    """What a name stands for: made by its factory, from others that were bound before it, when first asked for."""

    __slots__ = ("_arguments", "_factory", "_value", "origin")

    def __init__(self, factory: Callable[..., Any], arguments: Mapping[str, _Singleton], origin: type | None) -> None:
        self._factory: Callable[..., Any] | None = factory
        self._arguments = arguments
        self._value: Any = None
        self.origin = origin

    def get(self) -> Any:
        """The one value."""
        if self._factory is not None:
            self._value = self._factory(**{name: one.get() for name, one in self._arguments.items()})
            self._factory, self._arguments = None, {}
        return self._value


class Container:
    """App lifetime only: per request there is the scope and a unit of work, nothing else is built.

    Only bootstrap and the edges resolve from it. Tests override providers before the app is composed.
    """

    def __init__(self) -> None:
        self._bound: dict[str, _Singleton] = {}
        self._overridden: set[str] = set()
        self._replacements: dict[str, Callable[..., Any]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that is bound."""
        return tuple(sorted(self._bound))

    def provide(self, name: str, value: object) -> None:
        """Binds a finished object."""
        self._bind(name, _Singleton(lambda: value, {}, type(value)))

    def bind(self, name: str, factory: Callable[..., Any]) -> None:
        """Binds a class or function, built once when first asked for from what its parameters name.

        Raises ConfigurationError for a parameter that nothing is bound to, or something of another type.
        """
        arguments = {parameter: self._argument(name, factory, parameter) for parameter in _required(factory)}
        self._bind(name, _Singleton(factory, arguments, factory if isinstance(factory, type) else None))

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
        return factory(**given, **{name: self._argument(place, factory, name).get() for name in needed})

    def get(self, name: str) -> Any:
        """The singleton of a name. Raises ConfigurationError when nothing is bound to it."""
        if name not in self._bound:
            raise ConfigurationError(f"nothing is bound to {name!r}: bound are {', '.join(self.names)}")
        return self._bound[name].get()

    def _bind(self, name: str, singleton: _Singleton) -> None:
        if name in self._overridden:
            return
        if factory := self._replacements.pop(name, None):
            self.bind(name, factory)
            self._overridden.add(name)
            return
        self._bound[name] = singleton

    def _argument(self, name: str, factory: Callable[..., Any], parameter: str) -> _Singleton:
        place = f"{getattr(factory, '__module__', '?')}.{getattr(factory, '__qualname__', factory)}"
        if parameter not in self._bound:
            raise ConfigurationError(
                f"{name}: {place} needs a parameter {parameter!r}, which is not bound: bound are "
                f"{', '.join(self.names)}"
            )
        wanted, origin = _hint(factory, parameter), self._bound[parameter].origin
        if isinstance(wanted, type) and wanted is not Any and origin and not _fits(origin, wanted):
            raise ConfigurationError(
                f"{name}: {place} wants {parameter!r} to be {wanted.__name__}, bound is {origin.__name__}"
            )
        return self._bound[parameter]


def _required(factory: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(factory).parameters.values()
    return [one.name for one in parameters if one.default is one.empty and one.kind not in _ANY_NUMBER]


def _hint(factory: Callable[..., Any], parameter: str) -> Any:
    function = vars(factory).get("__init__", factory) if isinstance(factory, type) else factory
    try:
        return get_type_hints(function).get(parameter)
    except (AttributeError, NameError):
        return None


def _fits(origin: type, wanted: type) -> bool:
    """Whether a bound class serves; of a protocol it must have the methods."""
    if getattr(wanted, "_is_protocol", False):
        methods = [name for name in vars(wanted) if callable(vars(wanted)[name]) and not name.startswith("_")]
        return all(hasattr(origin, name) for name in methods)
    return issubclass(origin, wanted)
