"""Queries for the documents that link to others, by their own fields or by their embedded rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from framework_m_core.spi import Referrer

__all__ = ["build_linking_query"]


def build_linking_query(referrer: Referrer, ids: Sequence[UUID]) -> dict[str, Any]:
    """Return the query for the documents of a referrer that link to one of these."""
    path = referrer.field if referrer.child is None else f"{referrer.child}.{referrer.field}"
    return {path: {"$in": list(ids)}}
