"""`Injector`: hands the adapters of the app's own ports to what asks for them by annotation."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from framework_m_core.controllers.controller import Controller
from framework_m_core.registry.dependencies import Dependencies
from framework_m_core.registry.overrides import links_of

__all__ = ["NO_INJECTION", "Injector"]

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Injector:
    """Resolved once: what each controller class and each function is given."""

    def __init__(self, dependencies: Mapping[Any, Dependencies], adapters: Mapping[type, object]) -> None:
        self._given = {
            holder: {name: adapters[protocol] for name, protocol in wanted.items()}
            for holder, wanted in dependencies.items()
        }

    def inject(self, controller: Controller[Any]) -> None:
        """Fills the attributes of a controller that are annotated with a port."""
        if self._given:
            for one in links_of(controller):
                vars(one).update(self._given.get(type(one), _NOTHING))

    def arguments(self, function: Any) -> Mapping[str, object]:
        """What a function is called with beside its own arguments."""
        return self._given.get(function, _NOTHING)


NO_INJECTION = Injector({}, {})
