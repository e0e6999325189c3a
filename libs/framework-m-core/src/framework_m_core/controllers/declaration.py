"""Declarations: notes that decorators attach to an app's functions and classes, each of which registers itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

__all__ = ["Declaration", "Registrar", "declarations_of", "declare"]

_NOTES: Final = "__framework_m_declarations__"


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

    def add_write_stage(self, function: Callable[..., Any], mark: Any) -> None:
        """Register a function marked with `@write_stage`, by its mark."""
        ...


class Declaration(Protocol):
    """One note. Packages may define their own; a decorator that attaches one needs no change to the framework."""

    def register(self, registrar: Registrar, declared: Any, app: str) -> None:
        """Register the annotated object, which a module of `app` defines."""
        ...


def declare[D](declared: D, declaration: Declaration) -> D:
    """Attach a note to a function or class, unless an equal one exists, and return the function or class."""
    known = declarations_of(declared)
    if declaration not in known:
        setattr(declared, _NOTES, (*known, declaration))
    return declared


def declarations_of(declared: object) -> tuple[Declaration, ...]:
    """Return the notes on the function or class itself; a class does not inherit those of its parents."""
    found: tuple[Declaration, ...] = getattr(declared, "__dict__", {}).get(_NOTES, ())
    return found
