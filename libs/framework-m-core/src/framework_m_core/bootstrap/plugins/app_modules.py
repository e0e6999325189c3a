"""What an app declares: the DocTypes, controllers and event handlers in its modules."""

from __future__ import annotations

import inspect
from typing import Any

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice
from framework_m_core.controllers.controller import Controller
from framework_m_core.controllers.event_handler import handler_marks
from framework_m_core.controllers.rpc import call_mark
from framework_m_core.domain.documents.doctype import is_document_class
from framework_m_core.registry.builder import RegistryBuilder

__all__ = ["register_app"]


def register_app(builder: RegistryBuilder, choice: Choice) -> None:
    """Imports all modules of an app and declares its DocTypes, controllers and event handlers."""
    for module in discovery.modules_of(discovery.load(choice)):
        for _, member in inspect.getmembers(module):
            if getattr(member, "__module__", None) == module.__name__:
                _declare(builder, choice.name, member)


def _declare(builder: RegistryBuilder, module: str, member: Any) -> None:
    if isinstance(member, type) and member.__name__.startswith("_"):
        return
    if isinstance(member, type) and issubclass(member, Controller):
        builder.add_controller(member)
    elif isinstance(member, type) and _is_doctype(member):
        builder.add_doctype(member, module)
    else:
        _declare_function(builder, member)


def _declare_function(builder: RegistryBuilder, member: Any) -> None:
    if handler_marks(member):
        builder.add_handler(member)
    if call_mark(member):
        builder.add_function(member)


def _is_doctype(member: type) -> bool:
    """A pydantic model with the framework's fields that inherits them; the concrete base class itself is none."""
    return is_document_class(member) and any(is_document_class(parent) for parent in member.__bases__)
