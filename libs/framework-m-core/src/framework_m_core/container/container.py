"""`Container`: named singletons of the app, wired by parameter name."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_type_hints

from framework_m_core.container.injector_import import containers, providers
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import did_you_mean

__all__ = ["ORIGINAL", "Container", "Named", "Override", "is_reserved"]

ORIGINAL: Final = "original"
"""The parameter by which the factory of an override requests the object that it replaces."""

_ANY_NUMBER = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def is_reserved(name: str) -> bool:
    """Return whether the container has an attribute of this name, so that nothing can be bound to it."""
    return hasattr(containers.DynamicContainer(), name)


@dataclass(frozen=True, slots=True)
class Override:
    """The replacement of a provider: an object, or a class or function with its own arguments.

    An argument taken from the container is a `Named`.
    """

    replacement: object
    arguments: Mapping[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        kind = self.replacement if self.is_factory else type(self.replacement)
        return f"<Override by {getattr(kind, '__qualname__', kind)}: {len(self.arguments)} arguments>"

    @property
    def is_factory(self) -> bool:
        """True if the replacement is called to make the object."""
        return isinstance(self.replacement, type) or inspect.isroutine(self.replacement)


@dataclass(frozen=True, slots=True)
class Named:
    """An argument of an override that refers to a binding by name."""

    name: str


class Container:
    """Providers with the app's lifetime; nothing is built per request.

    Only bootstrap and the edges resolve from it. Composing the app seals it against overrides.
    """

    def __init__(self) -> None:
        self._providers = containers.DynamicContainer()
        self._types: dict[str, type | None] = {}
        self._makers: dict[str, Callable[[], Any]] = {}
        self._overrides: dict[str, Override] = {}
        self._built: dict[str, Any] = {}
        self._sealed = False

    def __repr__(self) -> str:
        state = "sealed" if self._sealed else "open to overrides"
        return f"<Container: {len(self._types)} providers, {len(self._overrides)} overridden, {state}>"

    @property
    def names(self) -> tuple[str, ...]:
        """All bound names, sorted."""
        return tuple(sorted(self._types))

    @property
    def built(self) -> tuple[tuple[str, Any], ...]:
        """The objects made by the container, with their names, each after its dependencies."""
        return tuple(self._built.items())

    def provide(self, name: str, value: object) -> None:
        """Bind a finished object."""
        self._bind(name, lambda: providers.Object(value), type(value))

    def provide_settings(self, values: Mapping[str, Any]) -> None:
        """Bind `config`, from which overrides take single settings; a missing one raises on access."""
        config = providers.Configuration(name="config", strict=True)
        config.from_dict(dict(values))
        self._bind("config", lambda: config, None)

    def bind(self, name: str, factory: Callable[..., Any]) -> None:
        """Bind a class or function, called once on first access with the objects that its parameters name.

        Raises ConfigurationError for a parameter that is not bound, or bound to another type.
        """
        arguments = {one: self._argument(name, factory, one) for one in _required(factory)}
        make = functools.partial(providers.Singleton, self._record_built(name, factory), **arguments)
        self._bind(name, make, _type_of(factory))

    def override(self, name: str, replacement: object, /, **arguments: object) -> None:
        """Replace the current or future binding of a name by an object, or by what a class or function returns.

        A class or function is called with `arguments` and with the objects that its other parameters name; `original`
        is the replaced object. Raises ConfigurationError if the application is composed or the object has been made,
        as the override would have no effect.
        """
        if self._sealed or name in self._built:
            raise ConfigurationError(
                f"expected overrides before the application is composed, got one of {name!r}, which is in use already: "
                "declare it under framework_m.overrides, or before the application is opened"
            )
        self._overrides[name] = Override(replacement, arguments)
        if name in self._types:
            self._apply(name)

    def seal(self) -> None:
        """Reject further overrides. Raises ConfigurationError for overrides of unbound names."""
        errors = [
            f"{name!r}: nothing is bound to it{did_you_mean(name, self.names)}"
            for name in self._overrides
            if name not in self._types
        ]
        if errors:
            raise ConfigurationError("some overrides have nothing to replace:", errors)
        self._sealed = True

    def find_unbound(self, factory: Callable[..., Any]) -> list[str]:
        """Return the parameters of a class or function that nothing is bound to."""
        return [name for name in _required(factory) if name not in self._types]

    def build(self, factory: Callable[..., Any], **given: object) -> Any:
        """Call a class or function with `given` and the objects that its other parameters name."""
        place = getattr(factory, "__qualname__", str(factory))
        needed = [parameter for parameter in _required(factory) if parameter not in given]
        return factory(**given, **{name: self._argument(place, factory, name)() for name in needed})

    def get(self, name: str) -> Any:
        """Return the singleton of a name. Raises ConfigurationError if the name is not bound."""
        if name not in self._types:
            raise ConfigurationError(f"nothing is bound to {name!r}: expected one of {', '.join(self.names)}")
        return self._provider(name)()

    def _bind(self, name: str, make: Callable[[], Any], type_: type | None) -> None:
        self._makers[name] = make
        self._types[name] = type_
        setattr(self._providers, name, make())
        if name in self._overrides:
            self._apply(name)

    def _apply(self, name: str) -> None:
        override = self._overrides[name]
        if not override.is_factory:
            self._types[name] = type(override.replacement)
            self._provider(name).override(providers.Object(override.replacement))
            return
        factory: Any = override.replacement
        arguments = {key: self._resolve_argument(name, value) for key, value in override.arguments.items()}
        for parameter in _required(factory):
            if parameter == ORIGINAL:
                arguments[ORIGINAL] = self._makers[name]()
            elif parameter not in arguments:
                arguments[parameter] = self._argument(name, factory, parameter)
        self._types[name] = _type_of(factory)
        self._provider(name).override(providers.Singleton(self._record_built(name, factory), **arguments))

    def _resolve_argument(self, place: str, value: object) -> Any:
        """Return the provider of a `Named` argument, or the setting for `config.a.b`; other values unchanged."""
        if not isinstance(value, Named):
            return value
        name, *path = value.name.split(".")
        if name not in self._types:
            raise ConfigurationError(f"{place}: nothing is bound to {name!r}{did_you_mean(name, self.names)}")
        return functools.reduce(getattr, path, self._provider(name))

    def _record_built(self, name: str, factory: Callable[..., Any]) -> Callable[..., Any]:
        def make(**arguments: Any) -> Any:
            made = self._built[name] = factory(**arguments)
            return made

        return make

    def _argument(self, name: str, factory: Callable[..., Any], parameter: str) -> Any:
        place = f"{getattr(factory, '__module__', '?')}.{getattr(factory, '__qualname__', factory)}"
        if parameter not in self._types:
            raise ConfigurationError(
                f"{name}: {place} needs a parameter {parameter!r}, which is not bound: expected one of "
                f"{', '.join(self.names)}"
            )
        wanted, bound = _hint(factory, parameter), self._types[parameter]
        if isinstance(wanted, type) and wanted is not Any and bound and not _fits(bound, wanted):
            raise ConfigurationError(
                f"{name}: {place}: expected {parameter!r} to be {wanted.__name__}, got {bound.__name__}"
            )
        return self._provider(parameter)

    def _provider(self, name: str) -> Any:
        return getattr(self._providers, name)


def _required(factory: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(factory).parameters.values()
    return [one.name for one in parameters if one.default is one.empty and one.kind not in _ANY_NUMBER]


def _type_of(factory: object) -> type | None:
    return factory if isinstance(factory, type) else None


def _hint(factory: Callable[..., Any], parameter: str) -> Any:
    function = vars(factory).get("__init__", factory) if isinstance(factory, type) else factory
    try:
        return get_type_hints(function).get(parameter)
    except (AttributeError, NameError):
        return None


def _fits(bound: type, wanted: type) -> bool:
    """Return whether a bound class is a subclass of the wanted one, or has the methods of a wanted protocol."""
    if getattr(wanted, "_is_protocol", False):
        methods = [name for name in vars(wanted) if callable(vars(wanted)[name]) and not name.startswith("_")]
        return all(hasattr(bound, name) for name in methods)
    return issubclass(bound, wanted)
