"""`Injector`: passes adapters, settings and documents to controllers and functions that annotate them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from framework_m_core.controllers.controller import Controller, Documents
from framework_m_core.domain.context import RequestContext
from framework_m_core.registry.overrides import controllers_of
from framework_m_core.registry.registry import Registry
from framework_m_core.services.runtime.tenant_cache import adapter_for

__all__ = ["Clients", "Injector"]

type Clients = Callable[[RequestContext], Documents]
"""The document client of a context."""


class Injector:
    """The adapters by protocol, as each context may use them, and the document client of each context."""

    def __init__(self, adapters: Mapping[type, object], clients: Clients | None = None) -> None:
        self._adapters = adapters
        self._clients = clients

    def inject(self, context: RequestContext, controller: Controller[Any]) -> None:
        """Set the attributes of a controller that are annotated with a port."""
        if context.registry.dependencies:
            for one in controllers_of(controller):
                vars(one).update(self.resolve_arguments(context, type(one)))

    def inject_field_types(self, registry: Registry) -> None:
        """Set the attributes of field types that are annotated with a port."""
        for field_type in registry.extensions.field_types:
            wanted = registry.dependencies.get(type(field_type), {}) if self._adapters else {}
            vars(field_type).update({name: self._adapters[port] for name, port in wanted.items()})

    def resolve_arguments(self, context: RequestContext, holder: Any) -> Mapping[str, object]:
        """Return what a function, or the class of a controller, asks for by annotation.

        A function that a package's own decorator declares may also ask for `Documents` and the `RequestContext`: they
        are those of `context`.
        """
        wanted: Mapping[str, type] = context.registry.dependencies.get(holder, {}) if self._adapters else {}
        return {name: self._find(context, kind) for name, kind in wanted.items()}

    def _find(self, context: RequestContext, kind: type) -> object:
        if kind is RequestContext:
            return context
        if kind is Documents and self._clients is not None:
            return self._clients(context)
        return adapter_for(context, kind, self._adapters[kind])
