"""The variant: an app of an environment with this package stores its documents in MongoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["VARIANT"]

VARIANT: Final[Mapping[str, Any]] = {"adapters": {"store": "mongo"}, "priority": 10}
"""The store family as one."""
