"""Declarations: what decorators attach to an app's functions and classes, each of which registers itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, overload

__all__ = ["Declaration", "Declared", "Registrar", "declaration_of", "declarations_of", "declare"]

_ATTRIBUTE: Final = "__framework_m_declarations__"


class Registrar(Protocol):
    """The target that declarations register with while an app's modules are loaded."""

    def add_doctype(self, model: type[Any], app: str) -> None:
        """Register a DocType of an app, or an override of another app's."""
        ...

    def add_controller(self, controller: type[Any]) -> None:
        """Register the controller of the DocType that its type argument names."""
        ...

    def add_handler(self, function: Callable[..., Any], app: str) -> None:
        """Register an app's function marked with `@on`."""
        ...

    def add_consumer(self, function: Callable[..., Any]) -> None:
        """Register a function marked with `@consumer`."""
        ...

    def add_event_type(self, payload: type[Any], app: str) -> None:
        """Register a model marked with `@event_type` as the payload of an app's event type."""
        ...

    def add_function(self, function: Callable[..., Any]) -> None:
        """Register a function marked with `@rpc`."""
        ...

    def add_write_stage(self, function: Callable[..., Any]) -> None:
        """Register a function marked with `@write_stage`."""
        ...

    def add(self, declaration: Declaration, declared: Any, app: str) -> None:
        """Register a declaration of a package's own kind, which the registry then holds in `declared`."""
        ...


class Declaration(Protocol):
    """One declaration. Packages may define their own kinds, which register themselves by `Registrar.add`."""

    def register(self, registrar: Registrar, declared: Any, app: str) -> None:
        """Register the declared object, which a module of `app` defines."""
        ...


@dataclass(frozen=True, slots=True)
class Declared[D]:
    """A declaration of a package's kind, with the function or class that has it and the app whose module defines it."""

    declaration: D
    target: Any
    app: str


def declare[D](declared: D, declaration: Declaration, *, replaces: Declaration | None = None) -> D:
    """Attach a declaration to a function or class, in place of `replaces`, and return the function or class.

    An equal declaration is attached once.

    >>> @dataclass(frozen=True)
    ... class Nightly:
    ...     at: int
    ...     def register(self, registrar: Registrar, declared: Any, app: str) -> None:
    ...         registrar.add(self, declared, app)
    >>> def nightly(at: int) -> Callable[[Any], Any]:
    ...     return lambda function: declare(function, Nightly(at))
    >>> @nightly(at=3)
    ... async def tidy() -> None: ...
    >>> declarations_of(tidy)
    (Nightly(at=3),)
    """
    others = tuple(known for known in declarations_of(declared) if known != replaces)
    if declaration not in others:
        setattr(declared, _ATTRIBUTE, (*others, declaration))
    return declared


@overload
def declarations_of(declared: object) -> tuple[Declaration, ...]: ...
@overload
def declarations_of[D](declared: object, kind: type[D]) -> tuple[D, ...]: ...
def declarations_of(declared: object, kind: type[Any] = object) -> tuple[Any, ...]:
    """Return the declarations of a kind on the function or class itself; parents do not pass theirs on."""
    found: tuple[Declaration, ...] = getattr(declared, "__dict__", {}).get(_ATTRIBUTE, ())
    return tuple(declaration for declaration in found if isinstance(declaration, kind))


def declaration_of[D](declared: object, kind: type[D]) -> D | None:
    """Return the first declaration of a kind on the function or class itself, if any."""
    return next(iter(declarations_of(declared, kind)), None)
