"""Dependencies that controllers and functions request by annotation: ports, and models of settings."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, get_args, get_type_hints

from pydantic import BaseModel

from framework_m_core.controllers.controller import Documents
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.documents.doctype import is_document_class
from framework_m_core.interfaces.ports import PORTS

__all__ = [
    "INJECTABLE_PORTS",
    "OF_CONTEXT",
    "UNREADABLE",
    "Dependencies",
    "check_dependencies",
    "dependencies_of",
    "explain_undeclared",
    "is_undeclared_model",
]

type Dependencies = Mapping[str, type]
"""Protocols and models of settings, by the name of the attribute or parameter that receives the object."""


INJECTABLE_PORTS: Final[Mapping[str, type]] = MappingProxyType(
    {port.name: port.protocol for port in PORTS if port.injectable}
)
"""The injectable ports of the framework: protocols by name."""


OF_CONTEXT: Final[tuple[type, ...]] = (Documents, RequestContext)
"""What functions of a package's own decorator may request besides ports: it is that of the context of the call."""


UNREADABLE: Final = (AttributeError, NameError, SyntaxError, TypeError)
"""The errors raised by annotations that cannot be resolved at run time."""


def dependencies_of(holder: Any, ports: Collection[type]) -> Dependencies:
    """Return the attributes of a controller class, or the parameters of a function, annotated with a port.

    Other callables, such as partials, have none. Raises one of UNREADABLE for annotations that cannot be resolved at
    run time.
    """
    if not (isinstance(holder, type) or inspect.isroutine(holder)):
        return {}
    hints = get_type_hints(holder)
    names = hints if isinstance(holder, type) else inspect.signature(holder).parameters
    return {name: hints[name] for name in names if hints.get(name) in ports}


def check_dependencies(holder: type, ports: Collection[type]) -> Iterator[str]:
    """Yield an error for each annotated attribute of a controller that would never be filled."""
    try:
        hints = get_type_hints(holder)
    except UNREADABLE as error:
        yield f"its annotations cannot be resolved at run time: {error}"
        return
    for name, hint in hints.items():
        if asked := [part for part in get_args(hint) if any(part is port for port in ports)]:
            yield f"{name}: {hint} is never injected: a port is always bound, so annotate {asked[0].__name__} alone"
        if getattr(hint, "_is_protocol", False) and hint not in ports and not hasattr(holder, name):
            yield f"{name}: {hint.__name__} is not a port: declare it under framework_m.ports, or assign a value"
        if is_undeclared_model(hint, ports) and not hasattr(holder, name):
            yield f"{name}: {explain_undeclared(hint)}, or assign a value"


def is_undeclared_model(hint: Any, ports: Collection[type]) -> bool:
    """Return whether an annotation is a model that is neither a DocType nor a section of the configuration."""
    if not isinstance(hint, type) or not issubclass(hint, BaseModel) or is_document_class(hint):
        return False
    return not any(hint is port for port in ports)


def explain_undeclared(hint: Any) -> str:
    """Return what is wrong with a request for a model that is not a settings section."""
    return f"{hint.__name__} is no section of the configuration: declare it under framework_m.settings"
