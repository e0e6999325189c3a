"""Methods and functions that may be called over HTTP: `@whitelist`, `@rpc` and who may, `@requires_permission`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, overload

from framework_m_core.controllers.declaration import Registrar, declare

__all__ = ["CallMark", "call_mark", "requires_permission", "rpc", "whitelist"]

_MARK = "__framework_m_call__"


@dataclass(frozen=True, slots=True)
class CallMark:
    """What the decorators wrote on a method (`kind` `"method"`) or function (`"function"`).

    Who may call it needs leave for `action` on `doctype`, which a method need not name, unless guests may.
    """

    kind: str | None = None
    path: str | None = None
    allow_guest: bool = False
    document: bool = True
    action: str | None = None
    doctype: str | None = None


_UNMARKED = CallMark()


@dataclass(frozen=True, slots=True)
class _Function:
    """The declaration of a function in a module that the decorators have marked."""

    def register(self, registrar: Registrar, declared: Callable[..., Any], app: str) -> None:
        """Register the function as one that may be called."""
        registrar.add_function(declared)


@overload
def whitelist[F: Callable[..., Any]](function: F) -> F: ...
@overload
def whitelist[F: Callable[..., Any]](*, allow_guest: bool = False, document: bool = True) -> Callable[[F], F]: ...
def whitelist(function: Any = None, *, allow_guest: bool = False, document: bool = True) -> Any:
    """Lets a controller's method be called: `POST /api/v1/rpc/{doctype}/{method}`.

    It states `@requires_permission("write")` or the like, or `allow_guest=True`. The body names the document by
    `doc_id`: `self.doc` is that document, loaded under the action's scope. With `document=False` the method is about
    none, and `self.doc` is None. The method runs in one unit of work: what it does through `self.documents` is stored
    together; changes of `self.doc` itself are not stored.
    """

    def mark(marked: Any) -> Any:
        return _write(marked, kind="method", allow_guest=allow_guest, document=document)

    return mark if function is None else mark(function)


@overload
def rpc[F: Callable[..., Any]](path: F) -> F: ...
@overload
def rpc[F: Callable[..., Any]](path: str | None = None, *, allow_guest: bool = False) -> Callable[[F], F]: ...
def rpc(path: Any = None, *, allow_guest: bool = False) -> Any:
    """Lets a function be called: `POST /api/v1/rpc/fn/{path}`, by default its module and name, dotted.

    It states `@requires_permission("write", "Invoice")` or the like, or `allow_guest=True`. A parameter annotated
    `Documents` or `RequestContext` is filled in; the others come from the body.
    """

    if callable(path):
        return rpc()(path)

    def mark(marked: Any) -> Any:
        return _write(marked, kind="function", path=path, allow_guest=allow_guest)

    return mark


def requires_permission[F: Callable[..., Any]](action: str, doctype: str | None = None) -> Callable[[F], F]:
    """Lets those call it who have leave for an action; a function names the DocType, a method's own is meant."""

    def mark(marked: F) -> F:
        return _write(marked, action=action, doctype=doctype)

    return mark


def call_mark(function: object) -> CallMark | None:
    """What the decorators left on a method or function."""
    found: CallMark | None = getattr(function, _MARK, None)
    return found


def _write[F: Callable[..., Any]](function: F, **changes: Any) -> F:
    known = call_mark(function) or _UNMARKED
    stated = {name: value for name, value in changes.items() if value != getattr(_UNMARKED, name)}
    setattr(function, _MARK, replace(known, **stated))
    return declare(function, _Function())
