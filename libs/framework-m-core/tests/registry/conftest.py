"""Declarations, compiled or refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry


def compiled(
    *doctypes: Any,
    controllers: Iterable[Any] = (),
    handlers: Iterable[Any] = (),
    functions: Iterable[Any] = (),
    stages: Iterable[Any] = (),
) -> Registry:
    """The snapshot of declarations in a module named `tests`."""
    builder = RegistryBuilder()
    for doctype in doctypes:
        builder.add_doctype(doctype, "tests")
    for controller in controllers:
        builder.add_controller(controller)
    for handler in handlers:
        builder.add_handler(handler, "shop")
    for function in functions:
        builder.add_function(function)
    for stage in stages:
        builder.add_write_stage(stage)
    return builder.freeze()


def errors_of(*doctypes: Any, **others: Iterable[Any]) -> tuple[str, ...]:
    """What is wrong with declarations; nothing when they can be used."""
    try:
        compiled(*doctypes, **others)
    except ConfigurationError as error:
        return error.errors
    return ()
