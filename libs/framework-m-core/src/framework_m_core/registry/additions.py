"""What overrides of other apps add to a DocType: fields and indexes, each with the app of the override."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

__all__ = ["NO_ADDITIONS", "Additions"]


@dataclass(frozen=True, slots=True)
class Additions:
    """Fields and indexes by the app that has declared them last; those of the DocType's own app are missing."""

    fields: Mapping[str, str] = field(default_factory=dict)
    indexes: Mapping[tuple[str, ...], str] = field(default_factory=dict)

    def find_app(self, fields: Sequence[str]) -> str | None:
        """Return the app that adds one of these fields or an index over them, if any."""
        added = (self.fields.get(name) for name in fields)
        return self.indexes.get(tuple(fields)) or next((app for app in added if app is not None), None)


NO_ADDITIONS: Final = Additions()
