"""Bodies that send back what reads have added to links: `_titles`, and documents in place of their ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.links.titles import TITLES

__all__ = ["without_additions"]


def without_additions(plan: CompiledDocType, body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a body without `_titles`, also in rows, and with the ids of expanded links."""
    body = _as_written(plan.links, body)
    for name, child in plan.children.items():
        rows = body.get(name) if child.links else None
        if isinstance(rows, list):
            written = [_as_written(child.links, row) if isinstance(row, Mapping) else row for row in rows]
            if any(new is not old for new, old in zip(written, rows, strict=True)):
                body = {**body, name: written}
    return body


def _as_written(links: Iterable[str], given: Mapping[str, Any]) -> Mapping[str, Any]:
    ids = {
        field: id
        for field in links
        if isinstance(document := given.get(field), Mapping) and (id := document.get("id")) is not None
    }
    if not ids and not (links and TITLES in given):
        return given
    return {name: ids.get(name, value) for name, value in given.items() if name != TITLES}
