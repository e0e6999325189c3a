"""Registration of an app: the DocTypes in its modules, and all other declarations there."""

from __future__ import annotations

import inspect
from typing import Any

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice
from framework_m_core.bootstrap.plugins.repeated_names import find_repeated_names
from framework_m_core.controllers.declaration import declarations_of
from framework_m_core.domain.documents.doctype import is_document_class
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.registry.compilation.builder import RegistryBuilder

__all__ = ["register_app"]


def register_app(builder: RegistryBuilder, choice: Choice) -> None:
    """Import all modules of an app and register what they declare.

    Raises ConfigurationError for names that a module declares twice.
    """
    repeated: list[str] = []
    for module in discovery.modules_of(discovery.load(choice)):
        declared = [
            member
            for _, member in inspect.getmembers(module)
            if getattr(member, "__module__", None) == module.__name__ and _register(builder, choice.name, member)
        ]
        repeated += find_repeated_names(module, {member.__name__ for member in declared}) if declared else ()
    if repeated:
        raise ConfigurationError("the app declares names twice:", repeated)


def _register(builder: RegistryBuilder, app: str, member: Any) -> bool:
    """Register a member of a module and return whether it declares anything."""
    if isinstance(member, type) and member.__name__.startswith("_"):
        return False
    is_doctype = isinstance(member, type) and _is_doctype(member)
    if is_doctype:
        builder.add_doctype(member, app)
    declarations = declarations_of(member)
    for declaration in declarations:
        declaration.register(builder, member, app)
    return is_doctype or bool(declarations)


def _is_doctype(member: type) -> bool:
    """Return whether a class inherits the framework fields, which excludes the concrete base class itself."""
    return is_document_class(member) and any(is_document_class(parent) for parent in member.__bases__)
