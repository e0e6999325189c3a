"""Where dynamic defaults can stand."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

import pytest

from framework_m_core.domain.fields.dynamic_default import CurrentUser, Now, Today
from framework_m_core.domain.fields.field import Field
from framework_m_testing.fakes.doctype import FakeDocType

from .conftest import errors_of


class WrongKinds(FakeDocType):
    day: str = Field(default=Today())  # type: ignore[assignment]
    moment: int = Field(default=Now())  # type: ignore[assignment]
    seller: int = Field(default=CurrentUser())
    state: Literal["a"] | None = Field(default=CurrentUser())


class NoUser(FakeDocType):
    maker: str = Field(default=CurrentUser())
    seller: UUID | None = Field(default=CurrentUser())
    other: UUID | None = Field(default=CurrentUser(), link="NoUser")


@pytest.mark.parametrize(
    ("doctype", "expected"),
    [
        (WrongKinds, ["'day'", "'moment'", "'seller'", "'state'"]),
        (NoUser, ["'maker'", "'seller'", "'other'"]),
    ],
)
def test_a_default_that_its_field_cannot_hold_is_refused(doctype: Any, expected: list[str]) -> None:
    errors = errors_of(doctype)
    assert [name for name, error in zip(expected, errors, strict=True) if name not in error] == []
