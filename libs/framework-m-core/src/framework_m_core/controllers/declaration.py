"""Declarations: notes that decorators leave on an app's functions and classes, each of which registers itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

__all__ = ["Declaration", "Registrar", "declarations_of", "declare"]

_NOTES: Final = "__framework_m_declarations__"


class Registrar(Protocol):
    """What declarations register with, while the modules of an app are read."""

    def add_doctype(self, model: type[Any], app: str) -> None:
        """Declare a DocType of an app, or an override of another app's."""
        ...

    def add_controller(self, controller: type[Any]) -> None:
        """Declare the controller of the DocType that its type argument names."""
        ...

    def add_handler(self, function: Callable[..., Any]) -> None:
        """Declare a function that `@on` has marked."""
        ...

    def add_function(self, function: Callable[..., Any]) -> None:
        """Declare a function that `@rpc` has marked."""
        ...


class Declaration(Protocol):
    """One note. Packages bring their own: a decorator that leaves one needs no change of the framework."""

    def register(self, registrar: Registrar, declared: Any, app: str) -> None:
        """Register what the note was left on, which a module of `app` defines."""
        ...


def declare[D](declared: D, declaration: Declaration) -> D:
    """Leave a note on a function or class, once however often it is equal, and return what it was left on."""
    known = declarations_of(declared)
    if declaration not in known:
        setattr(declared, _NOTES, (*known, declaration))
    return declared


def declarations_of(declared: object) -> tuple[Declaration, ...]:
    """Return the notes on a function or class itself; a class does not inherit those of its parents."""
    found: tuple[Declaration, ...] = getattr(declared, "__dict__", {}).get(_NOTES, ())
    return found
