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
from enum import Enum
from typing import Any

from framework_m_core.domain.documents.names import find_hidden_character, normalize_text
from framework_m_core.domain.documents.naming_suggestions import suggest_naming

__all__ = [
    "PROMPT",
    "FieldNaming",
    "IdNaming",
    "NamingRule",
    "PromptNaming",
    "SeriesNaming",
    "fields_of_rule",
    "parse_naming",
]

PROMPT = "prompt"
_FIELD = re.compile(r"\{(\w+)\}")
_LIKE_DATE = re.compile(r"Y{2,}|M{2,}|D{2,}|[YMD]{4,}", re.IGNORECASE)
_EMBEDDED = re.compile(r"(\{\w*\}|[{}]|#+|(?<![A-Za-z])(?:YYYY|YY|MM|DD)(?![A-Za-z]))")
_DATE_PARTS = {"YYYY": "%Y", "YY": "%y", "MM": "%m", "DD": "%d"}
_DIRECTIVE = re.compile("%[A-Za-z]")
_MEANT = {directive: part for part, directive in _DATE_PARTS.items()}
_OTHERS = ("FY", "WW", "timestamp")
"""Parts that series have elsewhere."""


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

    def format_prefix(self, now: datetime, values: Mapping[str, Any]) -> str:
        """Return the text before the counter, which also identifies the counter."""
        before = "".join(_expand(part, now, values) for part in self.parts[: self._counter])
        return normalize_text(before).lstrip()

    def format_name(self, number: int, now: datetime, values: Mapping[str, Any]) -> str:
        """Return the full name for an allocated number."""
        width = len(self.parts[self._counter])
        rest = "".join(_expand(part, now, values) for part in self.parts[self._counter + 1 :])
        return f"{self.format_prefix(now, values)}{number:0{width}d}{rest}"

    @property
    def texts(self) -> tuple[str, ...]:
        """Parts that are taken literally."""
        return tuple(
            one for one in self.parts if one not in _DATE_PARTS and one[0] != "#" and not _FIELD.fullmatch(one)
        )

    def find_empty(self, values: Mapping[str, Any]) -> list[str]:
        """Return the fields that the series reads and that hold nothing."""
        return [field for field in self.fields if not _shown(values[field])]

    @property
    def _counter(self) -> int:
        return next(place for place, part in enumerate(self.parts) if part.startswith("#"))


type NamingRule = IdNaming | PromptNaming | FieldNaming | SeriesNaming


def fields_of_rule(rule: NamingRule) -> tuple[str, ...]:
    """Return the fields that a rule reads."""
    if isinstance(rule, FieldNaming):
        return (rule.field,)
    return rule.fields if isinstance(rule, SeriesNaming) else ()


def parse_naming(pattern: str | None) -> NamingRule:
    """Parse `Meta.naming` into a naming rule. Raises ValueError stating what was expected."""
    if pattern is None:
        return IdNaming()
    if pattern == PROMPT:
        return PromptNaming()
    if pattern.startswith("field:"):
        return FieldNaming(pattern.removeprefix("field:"))
    if suggestion := suggest_naming(pattern):
        raise ValueError(f"{pattern!r} is not a naming rule: {suggestion}")
    parts = tuple(part for part in pattern.split(".") if part)
    counters = [part for part in parts if set(part) == {"#"}]
    if len(counters) != 1:
        meant = ".".join(map(_split, parts))
        hint = f": did you mean {meant!r}?" if meant != pattern and _has_one_counter(meant) else ""
        raise ValueError(
            f"{pattern!r} is not a naming rule: expected 'prompt', 'field:<name>' or a series with one counter "
            f"such as 'INV-.YYYY.-.####'{hint}"
        )
    for part in parts:
        if part not in _DATE_PARTS and part not in counters and not _FIELD.fullmatch(part) and _EMBEDDED.search(part):
            meant = ".".join(_split(part) if part not in _DATE_PARTS else part for part in parts)
            raise ValueError(f"{pattern!r}: {part!r} would be taken literally: did you mean {meant!r}?")
        if _DIRECTIVE.search(part):
            spelled = _DIRECTIVE.sub(lambda found: f".{_MEANT.get(found[0], '{field}')}.", pattern)
            meant = ".".join(piece for piece in spelled.split(".") if piece)
            raise ValueError(f"{pattern!r}: {part!r} would be taken literally: did you mean {meant!r}?")
        if part in _OTHERS:
            raise ValueError(
                f"{pattern!r}: there is no part {part!r}: expected one of {', '.join(_DATE_PARTS)}, a field that "
                f"a hook sets, such as {{{part.lower()}}}, or a longer text, such as '{part}-'"
            )
        if part not in _DATE_PARTS and _LIKE_DATE.fullmatch(part):
            raise ValueError(f"{pattern!r}: {part!r} is not a date part: expected one of {', '.join(_DATE_PARTS)}")
    if "/" in pattern or find_hidden_character(pattern):
        raise ValueError(f"{pattern!r}: a name cannot contain {find_hidden_character(pattern) or '/'!r}")
    return SeriesNaming(parts)


def _has_one_counter(pattern: str) -> bool:
    return sum(set(part) == {"#"} for part in pattern.split(".")) == 1


def _split(part: str) -> str:
    """Return a part with dots around what is embedded in it."""
    return ".".join(piece for piece in _EMBEDDED.split(part) if piece)


def _expand(part: str, now: datetime, values: Mapping[str, Any]) -> str:
    if part in _DATE_PARTS:
        return now.strftime(_DATE_PARTS[part])
    if found := _FIELD.fullmatch(part):
        return _shown(values[found[1]])
    return part


def _shown(value: Any) -> str:
    return "" if value is None else str(value.value if isinstance(value, Enum) else value).strip()
