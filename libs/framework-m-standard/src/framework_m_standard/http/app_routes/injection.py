"""Injection into route handlers by parameter annotation: documents, context, ports."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from types import FunctionType, MethodType
from typing import Annotated, Any, Final, get_type_hints

from litestar.di import Dependency, Provide
from litestar.handlers import BaseRouteHandler
from litestar.types import Scope

from framework_m_core.controllers.controller import Documents
from framework_m_core.domain.context import RequestContext
from framework_m_core.registry.dependencies import UNREADABLE
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.runtime.tenant_cache import adapter_for
from framework_m_standard.http.wire.asgi import request_state_of

__all__ = ["Providers", "check_parameters", "inject", "make_providers"]

_PROVIDED: Final[Any] = Annotated[Any, Dependency()]

type Providers = Mapping[Any, Callable[..., Any]]
"""The callables that provide parameters, by annotation."""


def make_providers(documents: DocumentService, ports: Mapping[type, object]) -> Providers:
    """Return the providers of everything that a handler may ask for."""

    def provide_documents(scope: Scope) -> Any:
        return documents.client_for(request_state_of(scope).context)

    def provide_context(scope: Scope) -> Any:
        return request_state_of(scope).context

    adapters = {protocol: _provider(protocol, adapter) for protocol, adapter in ports.items()}
    return {Documents: provide_documents, RequestContext: provide_context, **adapters}


def _provider(protocol: type, adapter: object) -> Callable[..., Any]:
    def provide_adapter(scope: Scope) -> Any:
        return adapter_for(request_state_of(scope).context, protocol, adapter)

    return provide_adapter


def check_parameters(handler: BaseRouteHandler, ports: Collection[type]) -> Iterator[str]:
    """Yield an error for each parameter that nothing provides."""
    try:
        hints = _hints(handler.fn)
    except UNREADABLE as error:
        yield f"its annotations cannot be read at run time: {error}"
        return
    given = {name for layer in handler.ownership_layers for name in layer.dependencies or {}}
    for name, hint in hints.items():
        is_asked_for = name != "return" and name not in given and getattr(hint, "_is_protocol", False)
        if is_asked_for and hint is not Documents and hint not in ports:
            yield f"{name}: expected a port, got {hint.__name__}: declare it under framework_m.ports"


def inject(handler: BaseRouteHandler, providers: Providers) -> None:
    """Inject a handler's parameters by annotation. Litestar cannot handle protocols, so it sees `Any` instead."""
    hints = _hints(handler.fn)
    wanted = {name: hint for name, hint in hints.items() if name != "return" and _is_provided(hint, providers)}
    if wanted:
        handler(_copy(handler.fn, {**hints, **dict.fromkeys(wanted, _PROVIDED)}))
        provided = {name: Provide(providers[hint], sync_to_thread=False) for name, hint in wanted.items()}
        handler.dependencies = {**(handler.dependencies or {}), **provided}


def _is_provided(hint: Any, providers: Providers) -> bool:
    return inspect.isclass(hint) and hint in providers


def _hints(function: Any) -> dict[str, Any]:
    return get_type_hints(function, include_extras=True)


def _copy(function: Any, annotations: dict[str, Any]) -> Any:
    """Return a copy of the function with other annotations; the app's own function stays unchanged."""
    if isinstance(function, MethodType):
        return MethodType(_copy(function.__func__, annotations), function.__self__)
    copied = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copied.__dict__.update(vars(function))
    copied.__kwdefaults__ = function.__kwdefaults__
    copied.__annotations__ = annotations
    copied.__doc__, copied.__module__, copied.__qualname__ = (
        function.__doc__,
        function.__module__,
        function.__qualname__,
    )
    return copied
