"""Defaults that depend on when, and by whom, a document is created."""

from __future__ import annotations

import calendar
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final
from uuid import UUID

from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.fields.kinds import FieldKind

__all__ = ["CurrentUser", "DynamicDefault", "Now", "Today"]

_MONTHS_A_YEAR: Final = 12
_MAX_YEARS: Final = 1_000
_A_YEAR: Final[Mapping[str, int]] = {
    "years": 1, "months": _MONTHS_A_YEAR, "weeks": 53, "days": 366, "hours": 366 * 24, "minutes": 366 * 24 * 60,
}  # fmt: skip


class DynamicDefault[T](ABC):
    """A default that is evaluated for each new document or row: `Field(default=Today(months=3))`.

    A document constructed in Python, without a caller, takes the time of the system, and no user.
    """

    source: ClassVar[str]
    kinds: ClassVar[frozenset[FieldKind]]
    """The kinds of fields that can hold the value."""

    @abstractmethod
    def evaluate(self, context: RequestContext, kind: FieldKind) -> T:
        """Return the default of a field of a kind, for the caller and the clock of a context."""

    def describe(self) -> dict[str, Any]:
        """Return what metadata say of the default, so that a form can show it."""
        return {"value": self.source}


@dataclass(frozen=True, slots=True)
class _Offset:
    """An offset from now. Raises ValueError if a part is not a whole number of at most 1,000 years."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0

    def __post_init__(self) -> None:
        for name, value in self.parts().items():
            limit = _MAX_YEARS * _A_YEAR[name]
            if type(value) is not int or not -limit <= value <= limit:
                raise ValueError(f"{name}={value!r}: expected a whole number, at most {limit} forward or back")

    def parts(self) -> dict[str, int]:
        """Return the parts of the offset that are not 0."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) != 0}

    def describe(self) -> dict[str, Any]:
        """Return what metadata say of the default."""
        plus = self.parts()
        return {"value": self.source, **({"plus": plus} if plus else {})}  # type: ignore[attr-defined] # of the subclass

    def _add[D: date](self, start: D) -> D:
        """Return the start plus years, months, weeks and days, within the month that it falls into."""
        months = start.year * _MONTHS_A_YEAR + start.month - 1 + self.years * _MONTHS_A_YEAR + self.months
        year, month = divmod(months, _MONTHS_A_YEAR)
        day = min(start.day, calendar.monthrange(year, month + 1)[1])
        return start.replace(year=year, month=month + 1, day=day) + timedelta(weeks=self.weeks, days=self.days)


@dataclass(frozen=True, slots=True)
class Today(_Offset, DynamicDefault[date]):
    """The day of creation in UTC, or one at an offset from it; the last of the month if it has no such day.

    >>> from datetime import UTC
    >>> from framework_m_core.domain.context import ANONYMOUS
    >>> context = RequestContext(ANONYMOUS, clock=lambda: datetime(2026, 11, 30, tzinfo=UTC))
    >>> Today(months=3).evaluate(context, FieldKind.DATE)
    datetime.date(2027, 2, 28)
    """

    source: ClassVar[str] = "today"
    kinds: ClassVar[frozenset[FieldKind]] = frozenset({FieldKind.DATE})

    def __call__(self) -> date:
        """Return the default of a document constructed in Python."""
        return self._add(system_clock().date())

    def evaluate(self, context: RequestContext, kind: FieldKind) -> date:
        """Return the day."""
        return self._add(context.clock().date())


@dataclass(frozen=True, slots=True)
class Now(_Offset, DynamicDefault[datetime]):
    """The time of creation, or one at an offset from it."""

    source: ClassVar[str] = "now"
    kinds: ClassVar[frozenset[FieldKind]] = frozenset({FieldKind.DATETIME})
    hours: int = 0
    minutes: int = 0

    def __call__(self) -> datetime:
        """Return the default of a document constructed in Python."""
        return self._add_time(system_clock())

    def evaluate(self, context: RequestContext, kind: FieldKind) -> datetime:
        """Return the time."""
        return self._add_time(context.clock())

    def _add_time(self, start: datetime) -> datetime:
        return self._add(start) + timedelta(hours=self.hours, minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class CurrentUser(DynamicDefault[Any]):
    """The id of the caller: on a link, null for guests and for the system, which have no user; else as in `owner`."""

    source: ClassVar[str] = "current_user"
    kinds: ClassVar[frozenset[FieldKind]] = frozenset({FieldKind.UUID, FieldKind.TEXT})

    def __call__(self) -> None:
        """Return the default of a document constructed in Python: nobody."""

    def evaluate(self, context: RequestContext, kind: FieldKind) -> UUID | str | None:
        """Return the id of the caller."""
        caller = context.principal
        if kind is FieldKind.TEXT:
            return caller.id or None
        try:
            return UUID(caller.id)
        except ValueError:  # a guest, or the system
            return None
