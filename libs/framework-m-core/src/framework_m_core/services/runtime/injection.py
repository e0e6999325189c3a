"""`Injector`: passes adapters of the app's own ports to controllers and functions that annotate them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from framework_m_core.controllers.controller import Controller
from framework_m_core.registry.derived import Derived
from framework_m_core.registry.overrides import links_of
from framework_m_core.registry.registry import Registry

__all__ = ["NO_INJECTION", "Injector"]

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Injector:
    """The adapters for each controller class and function, resolved once per registry."""

    def __init__(self, adapters: Mapping[type, object]) -> None:
        self._adapters = adapters
        self._given = Derived(self._resolve)

    def inject(self, registry: Registry, controller: Controller[Any]) -> None:
        """Set the attributes of a controller that are annotated with a port."""
        if given := self._given.of(registry):
            for one in links_of(controller):
                vars(one).update(given.get(type(one), _NOTHING))

    def arguments(self, registry: Registry, function: Any) -> Mapping[str, object]:
        """Return the injected arguments of a function."""
        return self._given.of(registry).get(function, _NOTHING)

    def _resolve(self, registry: Registry) -> Mapping[Any, Mapping[str, object]]:
        if not self._adapters:
            return {}
        return {
            holder: {name: self._adapters[protocol] for name, protocol in wanted.items()}
            for holder, wanted in registry.dependencies.items()
        }


NO_INJECTION = Injector({})
