"""Offsets of dynamic defaults."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from framework_m_core.domain.context import ANONYMOUS, Principal, RequestContext
from framework_m_core.domain.fields.dynamic_default import CurrentUser, Now, Today
from framework_m_core.domain.fields.kinds import FieldKind


@pytest.mark.parametrize(
    ("start", "default", "expected"),
    [
        (date(2024, 1, 31), Today(months=1), date(2024, 2, 29)),
        (date(2024, 2, 29), Today(years=1), date(2025, 2, 28)),
        (date(2024, 12, 31), Today(months=2, days=1), date(2025, 3, 1)),
        (date(2024, 1, 15), Today(months=-13, weeks=1), date(2022, 12, 22)),
        (date(2024, 1, 15), Today(), date(2024, 1, 15)),
    ],
)
def test_a_day_moves_by_calendar(start: date, default: Today, expected: date) -> None:
    moment = datetime(start.year, start.month, start.day, 23, tzinfo=UTC)
    assert default.evaluate(RequestContext(ANONYMOUS, clock=lambda: moment), FieldKind.DATE) == expected


def test_a_moment_moves_by_hours_and_minutes() -> None:
    context = RequestContext(ANONYMOUS, clock=lambda: datetime(2024, 1, 31, 23, 30, tzinfo=UTC))
    moved = Now(months=1, hours=1, minutes=-1).evaluate(context, FieldKind.DATETIME)
    assert moved == datetime(2024, 3, 1, 0, 29, tzinfo=UTC)


@pytest.mark.parametrize("parts", [{"years": 1_001}, {"days": -366_001}, {"months": 1.5}, {"weeks": True}])
def test_an_offset_is_bounded(parts: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(parts))}="):
        Now(**parts)


@pytest.mark.parametrize(("caller", "text"), [("", None), ("system", "system")])
def test_who_is_no_user_is_not_linked(caller: str, text: str | None) -> None:
    context = RequestContext(Principal(caller))
    assert CurrentUser().evaluate(context, FieldKind.UUID) is None
    assert CurrentUser().evaluate(context, FieldKind.TEXT) == text


def test_a_user_is_linked_by_id() -> None:
    id = uuid4()
    assert CurrentUser().evaluate(RequestContext(Principal(str(id))), FieldKind.UUID) == id
