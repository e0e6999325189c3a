"""`Injector`: passes adapters of the app's own ports to controllers and functions that annotate them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework_m_core.controllers.controller import Controller
from framework_m_core.domain.context import RequestContext
from framework_m_core.registry.overrides import controllers_of
from framework_m_core.registry.registry import Registry
from framework_m_core.services.runtime.tenant_cache import adapter_for

__all__ = ["Injector"]


class Injector:
    """The adapters by protocol, as each context may use them."""

    def __init__(self, adapters: Mapping[type, object]) -> None:
        self._adapters = adapters

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
        """Return the adapters that a function, or the class of a controller, asks for."""
        wanted: Mapping[str, type] = context.registry.dependencies.get(holder, {}) if self._adapters else {}
        return {name: adapter_for(context, port, self._adapters[port]) for name, port in wanted.items()}
