"""A document on its way from a repository to the unit of work that sends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from framework_m_core.registry.compiled import CompiledDocType

__all__ = ["PendingWrite"]


@dataclass(slots=True)
class PendingWrite:
    """A document on its way: its columns in order, its child rows by field, and for an update the version expected."""

    plan: CompiledDocType
    row: tuple[Any, ...]
    children: dict[str, list[dict[str, Any]]]
    expected_version: int | None = None
