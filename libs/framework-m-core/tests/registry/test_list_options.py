"""Default orders and default filters that cannot work stop the start."""

from __future__ import annotations

from typing import Any

import pytest

from framework_m_core.domain.fields.field import Field
from framework_m_testing.fakes.doctype import FakeDocType

from .conftest import errors_of


def _flat(**options: Any) -> Any:
    class Flat(FakeDocType):
        label: str = ""
        tags: list[str] = []
        price: int = 0
        secret: str = Field(default="", permlevel=1)

        class Meta:
            field_levels = {1: {"read": ["Boss"]}}  # as apps write it

    for name, value in options.items():
        setattr(Flat.Meta, name, value)
    return Flat


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"order_by": ("tags",)}, "'tags'"),
        ({"order_by": ("-nope",)}, "'nope'"),
        ({"order_by": ("deleted_at",)}, "'deleted_at'"),
        ({"order_by": ("label", "-label")}, "more than once"),
        ({"order_by": ("secret",)}, "permlevel=1"),
        ({"order_by": ("id", "name", "label", "price", "owner", "creation")}, "at most 5"),
        ({"order_by": "label"}, "Meta.order_by"),
        ({"default_filters": {"nope": 1}}, "'nope'"),
        ({"default_filters": {"price__contains": "a"}}, "'contains'"),
        ({"default_filters": {"price": "much"}}, "'price'"),
        ({"default_filters": {"price__between": [1]}}, "two values"),
        ({"default_filters": {"price__in": 5}}, "list of values"),
        ({"default_filters": {"price__is_null": "yes"}}, "True or False"),
        ({"default_filters": {"price__gt": None}}, "got None"),
        ({"default_filters": {"tags__has": 5}}, "'tags'"),
        ({"default_filters": {"secret": "x"}}, "permlevel=1"),
        ({"default_filters": {"label__like": "a\\"}}, "'label': the pattern ends in a lone backslash"),
    ],
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any], expected: str) -> None:
    errors = errors_of(_flat(**options))
    assert len([error for error in errors if expected in error]) >= 1, errors


def test_conditions_may_have_operators_and_nulls() -> None:
    conditions = {"price__between": (1, 5), "label": None, "tags__has": "a", "owner__starts_with": "a"}
    assert errors_of(_flat(default_filters=conditions, order_by=["-price", "label"])) == ()
