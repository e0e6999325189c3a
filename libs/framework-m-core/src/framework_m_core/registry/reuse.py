"""Checks whether a registry can reuse the compiled DocTypes of the previous one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from framework_m_core.controllers.controller import Controller
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.overrides import acting, parts_of

__all__ = ["is_compiled_of", "is_composed_of"]

type _Model = type[BaseModel]


def is_composed_of(
    known: CompiledDocType, base: _Model, overrides: Sequence[_Model], rows: Mapping[_Model, _Model]
) -> bool:
    """Return whether the model of a DocType is what `compose` would return for a class and its overrides."""
    return (
        base in (known.model, *known.model.__bases__)
        and known.overrides == tuple(overrides)
        and all(child.model is rows.get(child.declared, child.declared) for child in known.children.values())
    )


def is_compiled_of(
    known: CompiledDocType, model: _Model, app: str, controllers: Sequence[type[Controller[Any]]]
) -> bool:
    """Return whether a DocType has been compiled from a composed class and its controllers."""
    return known.model is model and known.app == app and parts_of(known.controller) == acting(controllers)
