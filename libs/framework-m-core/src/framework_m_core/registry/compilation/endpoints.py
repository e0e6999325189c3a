"""Checks callable methods and functions, and compiles them into endpoints."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, get_args, get_type_hints

import pydantic
from pydantic import BaseModel, ConfigDict

from framework_m_core.controllers.controller import HOOKS, Controller, Documents
from framework_m_core.controllers.declaration import declaration_of
from framework_m_core.controllers.rpc import CallMark
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import is_document_class
from framework_m_core.domain.hash_keys import find_unseeded_types
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.registry.compilation.checks.classes import is_async
from framework_m_core.registry.compilation.errors import ReportError, place_of
from framework_m_core.registry.dependencies import UNREADABLE, explain_undeclared, is_undeclared_model
from framework_m_core.registry.endpoints import DOC_ID, Endpoint

__all__ = ["EndpointCompiler"]

_PATH = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)+", re.IGNORECASE)
_SETTINGS = "settings"
"""The name of a parameter that is meant to be injected: callers must not choose the settings."""

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
_NAMED = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


class EndpointCompiler:
    """Compiles the callable methods of controllers and functions; what is not valid is reported and left out."""

    def __init__(self, actions: Collection[str], ports: Collection[type], report_error: ReportError) -> None:
        self._actions = actions
        self._ports = ports
        self._report_error = report_error

    def compile_methods(self, doctype: str, controllers: Sequence[type[Controller[Any]]]) -> dict[str, Endpoint]:
        """Return the callable methods of a DocType's controllers, by name."""
        found: dict[str, Endpoint] = {}
        for controller in controllers:
            members = inspect.getmembers(controller)
            for name, member in ((name, member) for name, member in members if declaration_of(member, CallMark)):
                known = found.get(name)
                if known is not None and known.controller and not issubclass(controller, known.controller):
                    self._report_error(controller, f"{name} is taken by {place_of(known.controller)}: rename it")
                elif (call := self._compile(member, doctype, controller)) is not None:
                    found[name] = call
        return found

    def compile_functions(
        self, functions: Sequence[Callable[..., Any]], doctypes: Collection[str]
    ) -> dict[str, Endpoint]:
        """Return the callable functions, by path."""
        found: dict[str, Endpoint] = {}
        for function in functions:
            path = _path_of(function, declaration_of(function, CallMark) or CallMark())
            call = self._compile(function)
            if path in found:
                self._report_error(function, f"the path {path!r} is already taken by {place_of(found[path].function)}")
            elif call is not None:
                found[path] = call
        for call in found.values():
            if call.doctype is not None and call.doctype not in doctypes:
                meant = did_you_mean(call.doctype, doctypes)
                self._report_error(
                    call.function, f"it requires a permission on {call.doctype!r}, which is not a DocType{meant}"
                )
        return found

    def _compile(
        self, function: Any, doctype: str | None = None, controller: type[Controller[Any]] | None = None
    ) -> Endpoint | None:
        mark = declaration_of(function, CallMark) or CallMark()
        errors = list(_check(function, mark, self._actions, self._ports))
        for text in errors:
            self._report_error(function, text)
        if errors:
            return None
        try:
            return _compile(function, mark, doctype, controller, self._ports)
        except (*UNREADABLE, pydantic.PydanticUserError) as error:
            self._report_error(function, f"its arguments cannot be validated: {error}")
            return None


def _path_of(function: Any, mark: CallMark) -> str:
    """Return the path of a function: the declared one, or else its module and name."""
    return mark.path or f"{function.__module__}.{function.__qualname__}"


def _compile(
    function: Any,
    mark: CallMark,
    doctype: str | None = None,
    controller: type[Controller[Any]] | None = None,
    ports: Collection[type] = (),
) -> Endpoint:
    """Compile a method of a DocType, or a function. Raises one of UNREADABLE for a bad signature."""
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    filled: dict[str, type] = {}
    for parameter in _parameters(function, mark):
        annotation = hints[parameter.name]
        if annotation in (Documents, RequestContext):
            filled[parameter.name] = annotation
        elif annotation not in ports:
            default = ... if parameter.default is inspect.Parameter.empty else parameter.default
            fields[parameter.name] = (annotation, default)
    arguments = pydantic.create_model(function.__name__, __config__=_STRICT, **fields)
    about = inspect.cleandoc(function.__doc__ or "")
    action = None if mark.allow_guest else mark.action
    returns = hints.get("return", Any)
    needs = mark.document and controller is not None
    return Endpoint(function, action, mark.doctype or doctype, arguments, filled, returns, about, controller, needs)


def _parameters(function: Any, mark: CallMark) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(function).parameters.values())
    return parameters[1:] if mark.kind == "method" else parameters


def _check(function: Any, mark: CallMark, actions: Collection[str], ports: Collection[type]) -> Iterator[str]:
    """Yield the errors that would make a callable unusable or expose it unintentionally."""
    name = function.__name__
    if mark.kind is None:
        yield f"{name}: requires_permission has no effect alone: add @whitelist to a method, @rpc() to a function"
        return
    if not is_async(function):
        yield f"{name} can be called over HTTP: declare it with 'async def'"
    yield from _check_permission(name, mark, actions)
    yield from _check_return(name, function)
    yield from _check_signature(name, function, mark)
    yield from _check_types(name, function, mark, ports)


def _check_return(name: str, function: Any) -> Iterator[str]:
    try:
        returns = get_type_hints(function).get("return", Any)
    except UNREADABLE:
        return  # reported with the arguments
    for doctype in _find_shown_documents(returns):
        yield (
            f"{name} returns {doctype}, which would expose every field: return the result of documents.get, which "
            "holds what the caller may see, or a model of your own"
        )


def _check_types(name: str, function: Any, mark: CallMark, ports: Collection[type]) -> Iterator[str]:
    try:
        hints = get_type_hints(function, include_extras=True)
    except UNREADABLE:
        return  # reported with the arguments
    for parameter in _parameters(function, mark):
        hint = hints.get(parameter.name)
        if hint is RequestContext or (isinstance(hint, type) and hint in ports):
            continue  # injected, never sent
        if parameter.name == _SETTINGS and is_undeclared_model(hint, ports):
            yield f"{name}: {_SETTINGS}: {explain_undeclared(hint)}, or rename the argument"
        for error in find_unseeded_types(hint):
            yield f"{name}: its parameter {parameter.name!r} has the type {error}"


def _check_permission(name: str, mark: CallMark, actions: Collection[str]) -> Iterator[str]:
    if mark.action is None and not mark.allow_guest:
        yield f"{name} does not declare who may call it: add @requires_permission('write') or allow_guest=True"
    if mark.action is not None and mark.allow_guest:
        yield f"{name} requires a permission and allows guests: remove one of them"
    if mark.action is not None and mark.action not in actions:
        meant = did_you_mean(mark.action, actions)
        yield f"{name} requires {mark.action!r}, which is not an action: expected one of {', '.join(actions)}{meant}"
    if mark.kind == "function" and mark.action is not None and mark.doctype is None:
        yield f"{name}: a function must name the DocType: @requires_permission({mark.action!r}, 'Invoice')"
    if mark.kind == "method" and mark.doctype is not None:
        yield f"{name}: a method always means its own DocType: @requires_permission({mark.action!r})"


def _check_signature(name: str, function: Any, mark: CallMark) -> Iterator[str]:
    if mark.kind == "method" and (name in HOOKS or name.startswith("_")):
        yield f"{name} cannot be called over HTTP: it is a hook or private"
    if mark.path is not None and not _PATH.fullmatch(str(mark.path)):
        yield f"{name}: expected a dotted path such as 'shop.stock.recount', got {mark.path!r}"
    for parameter in _parameters(function, mark):
        if parameter.kind not in _NAMED or parameter.annotation is inspect.Parameter.empty:
            yield f"{name}: its parameter {parameter.name!r} needs a name and a type, so that it can be validated"
        elif parameter.name.startswith("_") or hasattr(BaseModel, parameter.name):
            yield f"{name}: its parameter {parameter.name!r} cannot be sent in a body: choose another name"
        elif parameter.name == DOC_ID and mark.kind == "method":
            yield f"{name}: 'doc_id' in the body names the document: read self.doc instead"


def _find_shown_documents(annotation: Any, seen: frozenset[Any] = frozenset()) -> Iterator[str]:
    """Yield the names of DocTypes within a return type, which would expose fields that the caller may not see."""
    if is_document_class(annotation):
        yield annotation.__name__
    elif inspect.isclass(annotation) and issubclass(annotation, BaseModel) and annotation not in seen:
        for info in annotation.model_fields.values():
            yield from _find_shown_documents(info.annotation, seen | {annotation})
    else:
        for part in get_args(annotation):
            yield from _find_shown_documents(part, seen)
