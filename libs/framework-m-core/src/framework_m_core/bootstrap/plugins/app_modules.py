"""Registration of an app: the DocTypes in its modules, and all other declarations there."""

from __future__ import annotations

import inspect
from typing import Any

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice
from framework_m_core.controllers.declaration import declarations_of
from framework_m_core.domain.documents.doctype import is_document_class
from framework_m_core.registry.builder import RegistryBuilder

__all__ = ["register_app"]


def register_app(builder: RegistryBuilder, choice: Choice) -> None:
    """Import all modules of an app and register what they declare."""
    for module in discovery.modules_of(discovery.load(choice)):
        for _, member in inspect.getmembers(module):
            if getattr(member, "__module__", None) == module.__name__:
                _register(builder, choice.name, member)


def _register(builder: RegistryBuilder, app: str, member: Any) -> None:
    if isinstance(member, type) and member.__name__.startswith("_"):
        return
    if isinstance(member, type) and _is_doctype(member):
        builder.add_doctype(member, app)
    for declaration in declarations_of(member):
        declaration.register(builder, member, app)


def _is_doctype(member: type) -> bool:
    """Return whether a class inherits the framework fields, which excludes the concrete base class itself."""
    return is_document_class(member) and any(is_document_class(parent) for parent in member.__bases__)
