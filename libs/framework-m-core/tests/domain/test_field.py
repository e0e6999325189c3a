"""`Field` is pydantic's, with the framework's keywords carried in `json_schema_extra`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError, create_model

from framework_m_core.domain.fields.field import KEYWORDS, Field
from framework_m_testing.fakes.doctype import FakeDocType


class Declared(FakeDocType):
    name_of: str = Field(min_length=1, label="Name", ext={"acme": {"colour": "red"}})
    price: Decimal = Field(default=Decimal(1), gt=0, scale=0)
    tags: list[str] = Field(default_factory=list, in_list=True)
    plain: int = Field(default=0)


def _extra(name: str) -> Any:
    return Declared.model_fields[name].json_schema_extra


def test_what_a_factory_makes_keeps_the_constraints() -> None:
    model = create_model("Made", code=(str, Field(default_factory=lambda: "too long", max_length=3)))
    with pytest.raises(ValidationError) as refused:
        model()
    [error] = refused.value.errors()
    assert (error["loc"], error["type"], error["ctx"]) == (("code",), "string_too_long", {"max_length": 3})


def test_keywords_travel_in_the_schema() -> None:
    assert _extra("name_of") == {"label": "Name", "ext": {"acme": {"colour": "red"}}}
    assert _extra("tags") == {"in_list": True}
    assert Declared.model_json_schema()["properties"]["name_of"]["label"] == "Name"


def test_what_is_not_stated_leaves_no_trace_but_a_scale_of_zero_is_stated() -> None:
    assert _extra("plain") is None
    assert _extra("price") == {"scale": 0}


def test_constraints_and_defaults_are_pydantics() -> None:
    assert Declared(name_of="x").tags == []
    assert Declared(name_of="x").price == 1
    for values in ({}, {"name_of": ""}, {"name_of": "x", "price": 0}, {"name_of": "x", "unheard_of": 1}):
        with pytest.raises(ValidationError):
            Declared(**values)


def test_schema_extra_of_ones_own_is_kept_beside_and_not_changed() -> None:
    own = {"examples_of_mine": [1]}
    field = Field("x", json_schema_extra=own, label="L")
    assert field.json_schema_extra == {"examples_of_mine": [1], "label": "L"}  # type: ignore[attr-defined]
    assert own == {"examples_of_mine": [1]}


def test_every_keyword_is_documented() -> None:
    assert Field.__doc__
    assert [keyword for keyword in (*KEYWORDS, "ext") if f"`{keyword}`" not in Field.__doc__] == []
