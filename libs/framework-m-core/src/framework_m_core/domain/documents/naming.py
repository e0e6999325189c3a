"""Naming rules: how a document gets its human-readable name.

`None`: the name is the id. `"prompt"`: the caller provides it on create. `"field:code"`: copied from a field. In a
series such as `"INV-.YYYY.-.####"`, dots separate literal text from `YYYY`, `YY`, `MM`, `DD`, `{field}` and one run of
`#`, the counter, whose length is its minimum width.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

__all__ = ["PROMPT", "FieldNaming", "IdNaming", "NamingRule", "PromptNaming", "SeriesNaming", "parse_naming"]

PROMPT = "prompt"
_FIELD = re.compile(r"\{(\w+)\}")
_LIKE_DATE = re.compile(r"Y{2,}|M{2,}|D{2,}|[YMD]{4,}", re.IGNORECASE)
_DATE_PARTS = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d"}


@dataclass(frozen=True, slots=True)
class IdNaming:
    """The name is the id."""


@dataclass(frozen=True, slots=True)
class PromptNaming:
    """The caller provides the name."""


@dataclass(frozen=True, slots=True)
class FieldNaming:
    """The name is the value of a field on create."""

    field: str


@dataclass(frozen=True, slots=True)
class SeriesNaming:
    """The name consists of literal text, date parts, field values and one counter, which counts per prefix."""

    parts: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that the series reads."""
        return tuple(found[1] for part in self.parts if (found := _FIELD.fullmatch(part)))

    def prefix(self, now: datetime, values: Mapping[str, Any]) -> str:
        """Return the text before the counter, which also identifies the counter."""
        return "".join(_expand(part, now, values) for part in self.parts[: self._counter])

    def name(self, number: int, now: datetime, values: Mapping[str, Any]) -> str:
        """Return the full name for an allocated number."""
        width = len(self.parts[self._counter])
        rest = "".join(_expand(part, now, values) for part in self.parts[self._counter + 1 :])
        return f"{self.prefix(now, values)}{number:0{width}d}{rest}"

    @property
    def _counter(self) -> int:
        return next(place for place, part in enumerate(self.parts) if part.startswith("#"))


type NamingRule = IdNaming | PromptNaming | FieldNaming | SeriesNaming


def parse_naming(pattern: str | None) -> NamingRule:
    """Parse `Meta.naming` into a naming rule. Raises ValueError stating what was expected."""
    if pattern is None:
        return IdNaming()
    if pattern == PROMPT:
        return PromptNaming()
    if pattern.startswith("field:"):
        return FieldNaming(pattern.removeprefix("field:"))
    parts = tuple(part for part in pattern.split(".") if part)
    counters = [part for part in parts if set(part) == {"#"}]
    if len(counters) != 1:
        raise ValueError(
            f"{pattern!r} is not a naming rule: expected 'prompt', 'field:<name>' or a series with one counter "
            "such as 'INV-.YYYY.-.####'"
        )
    for part in parts:
        if part not in _DATE_PARTS and _LIKE_DATE.fullmatch(part):
            raise ValueError(f"{pattern!r}: {part!r} is not a date part: expected one of {', '.join(_DATE_PARTS)}")
    if "/" in pattern:
        raise ValueError(f"{pattern!r}: a name cannot contain '/'")
    return SeriesNaming(parts)


def _expand(part: str, now: datetime, values: Mapping[str, Any]) -> str:
    if part in _DATE_PARTS:
        return now.strftime(_DATE_PARTS[part])
    if found := _FIELD.fullmatch(part):
        value = values[found[1]]
        return "" if value is None else str(value)
    return part
