"""Methods and functions callable over HTTP (`@whitelist`, `@rpc`) and their permission (`@requires_permission`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, overload

from framework_m_core.controllers.declaration import Registrar, declaration_of, declare

__all__ = ["CallMark", "requires_permission", "rpc", "whitelist"]


@dataclass(frozen=True, slots=True)
class CallMark:
    """The declaration of a callable method (`kind` `"method"`) or function (`"function"`), which the decorators share.

    Unless guests may call it, the caller needs permission for `action` on `doctype`, which a method may omit.
    """

    kind: str | None = None
    path: str | None = None
    allow_guest: bool = False
    document: bool = True
    action: str | None = None
    doctype: str | None = None

    def register(self, registrar: Registrar, declared: Callable[..., Any], app: str) -> None:
        """Register the function as callable over HTTP."""
        registrar.add_function(declared)


_UNMARKED = CallMark()


@overload
def whitelist[F: Callable[..., Any]](function: F) -> F: ...
@overload
def whitelist[F: Callable[..., Any]](*, allow_guest: bool = False, document: bool = True) -> Callable[[F], F]: ...
def whitelist(function: Any = None, *, allow_guest: bool = False, document: bool = True) -> Any:
    """Expose a controller method as `POST /api/v1/rpc/{doctype}/{method}`.

    The method also needs `@requires_permission("write")` or the like, or `allow_guest=True`. `doc_id` in the body names
    the document: `self.doc` is that document, loaded under the action's row scope. With `document=False` there is no
    document, and `self.doc` is None. The method runs in one unit of work: writes through `self.documents` are stored
    together; changes to `self.doc` itself are not stored.

    >>> from framework_m import Controller, DocType
    >>> class Book(DocType):
    ...     title: str = ""
    >>> class BookController(Controller[Book]):
    ...     @whitelist
    ...     @requires_permission("read")
    ...     async def heading(self) -> str:
    ...         return self.doc.title.upper()
    """

    def mark(marked: Any) -> Any:
        return _add(marked, kind="method", allow_guest=allow_guest, document=document)

    return mark if function is None else mark(function)


@overload
def rpc[F: Callable[..., Any]](path: F) -> F: ...
@overload
def rpc[F: Callable[..., Any]](path: str | None = None, *, allow_guest: bool = False) -> Callable[[F], F]: ...
def rpc(path: Any = None, *, allow_guest: bool = False) -> Any:
    """Expose a function as `POST /api/v1/rpc/fn/{path}`; the path defaults to its dotted module and name.

    The function also needs `@requires_permission("write", "Invoice")` or the like, or `allow_guest=True`. Parameters
    annotated `Documents` or `RequestContext` are injected; the others come from the body.

    >>> from framework_m import Documents
    >>> @rpc("library.count")
    ... @requires_permission("read", "Book")
    ... async def count(author: str, documents: Documents) -> int:
    ...     page = await documents.list("Book", {"author": author})
    ...     return len(page.items)
    """

    if callable(path):
        return rpc()(path)

    def mark(marked: Any) -> Any:
        return _add(marked, kind="function", path=path, allow_guest=allow_guest)

    return mark


def requires_permission[F: Callable[..., Any]](action: str, doctype: str | None = None) -> Callable[[F], F]:
    """Require permission for `action`; a function must name the DocType, a method defaults to its own.

    >>> @rpc("library.reopen")
    ... @requires_permission("write", "Library")
    ... async def reopen() -> None: ...
    """

    def mark(marked: F) -> F:
        return _add(marked, action=action, doctype=doctype)

    return mark


def _add[F: Callable[..., Any]](function: F, **changes: Any) -> F:
    """Add what a decorator states to the declaration of the others."""
    known = declaration_of(function, CallMark) or _UNMARKED
    stated = {name: value for name, value in changes.items() if value != getattr(_UNMARKED, name)}
    return declare(function, replace(known, **stated), replaces=known)
