"""JSON from callers: arguments of calls, and elements of fields, are as strict as the fields of documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, NewType, TypedDict
from uuid import UUID

import pytest
from annotated_types import Gt
from pydantic import BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.domain.fields.spec import read_field_spec
from framework_m_core.domain.fields.values import from_json
from framework_m_core.registry.endpoints import Endpoint
from framework_m_core.services.documents import json_conversion
from framework_m_core.services.documents.merging import parse_fields
from framework_m_core.services.rpc import _arguments

ID = UUID(int=7)
type Moments = list[datetime]
Code = NewType("Code", int)


class Level(IntEnum):
    LOW = 1


class Mixed(Enum):
    ONE = 1
    TEXT = "x"


class Ratio(Enum):
    HALF = 0.5


class Color(Enum):
    RED = "red"


class Part(BaseModel):
    at: datetime
    price: Decimal = Decimal(0)


class Typed(TypedDict):
    on: date


@dataclass
class Pair:
    flag: bool


def _taken(annotation: Any, raw: Any) -> Any:
    fields: dict[str, Any] = {"it": (annotation, ...)}
    strict = ConfigDict(extra="forbid", allow_inf_nan=False)
    arguments = create_model("call", __config__=strict, **fields)
    endpoint = Endpoint(lambda: None, None, None, arguments, {}, Any, "", None, False)
    return _arguments(endpoint, {"it": raw})["it"]


@pytest.mark.parametrize(
    ("annotation", "raw", "at"),
    [
        (datetime, 5, "it"), (datetime, "5", "it"), (datetime, "2026-01-01T00:00:00", "it"), (datetime | None, 5, "it"),
        (date, 5, "it"), (date, "2026-01-01T00:00:00", "it"), (timedelta, 5, "it"),
        (bool, "yes", "it"), (bool, 1, "it"), (bool, "true", "it"),
        (int, "5", "it"), (int, "123456789012345678901", "it"), (int, Decimal("1.0"), "it"), (int, True, "it"),
        (int, 2**63, "it"), (Code, "5", "it"), (Annotated[int, Gt(1)], "5", "it"),
        (float, "1.5", "it"), (float, True, "it"), (str, 5, "it"), (str, "a\0", "it"),
        (UUID, "x", "it"), (Decimal, "x", "it"), (Decimal, "1_0", "it"), (Decimal, True, "it"),
        (list[int], ["1"], "it.0"), (Moments, ["2026-01-01"], "it.0"), (tuple[int, bool], [1, "yes"], "it.1"),
        (set[int], [True], "it.0"), (dict[str, bool], {"a": "yes"}, "it.a"),
        (dict[str, list[int]], {"a": ["1"]}, "it.a.0"),
        (Part, {"at": 5}, "it.at"), (list[Part], [{"at": "2026-01-01T00:00:00"}], "it.0.at"),
        (Typed, {"on": 5}, "it.on"), (Pair, {"flag": "yes"}, "it.flag"), (int | bool, "1", "it"), (Level, True, "it"),
        (Level, "1", "it"), (Level, Decimal("1.0"), "it"), (Color, 1, "it"), (Literal["a"], 1, "it"),
        (Literal[1], True, "it"), (bytes, "not base64", "it"), (Literal["a"], {"a": 1}, "it"),
        (Color, ["red"], "it"), (bool, "a\0", "it"), (bytes, 5, "it"),
        (bytes, "raw text", "it"), (list[bytes], ["SGVsbG8"], "it.0"), (date, "20260101", "it"),
        (date, "2026-W01-1", "it"), (datetime, "2026-W01-1T00:00:00Z", "it"),
        (Decimal, "9" * 1_000_000, "it"), (Decimal, "9" * 101, "it"), (Decimal, "1e5000", "it"),
        (Decimal, 10**101, "it"), (Decimal, Decimal("1e-101"), "it"), (list[Decimal], [Decimal("1e101")], "it.0"),
        (Decimal | str, 10**500, "it"),
    ],
)  # fmt: skip
def test_what_is_of_another_type_is_refused(annotation: Any, raw: Any, at: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _taken(annotation, raw)
    assert [error.field for error in refused.value.errors] == [at]


@pytest.mark.parametrize(
    ("annotation", "raw", "value"),
    [
        (datetime, "2026-01-01T05:00:00+05:00", datetime(2026, 1, 1, tzinfo=UTC)), (date, "9999-12-31", date.max),
        (int, 5, 5), (float, 5, 5.0), (float, Decimal("1.5"), 1.5), (str | int, 5, 5), (int | str, "5", "5"),
        (UUID, str(ID), ID), (Decimal, Decimal("1.1"), Decimal("1.1")),
        (Decimal, "12345678901234567.89", Decimal("12345678901234567.89")),
        (dict[str, Decimal], {"a": Decimal("1.1")}, {"a": Decimal("1.1")}),
        (dict[str, Any], {"a": Decimal("1.1")}, {"a": 1.1}),
        (Any, [Decimal("1.5"), None], [1.5, None]), (dict, {"a": Decimal("0.5")}, {"a": 0.5}),
        (list[Decimal | None], ["1.10", None], [Decimal("1.10"), None]), (tuple[int, ...], [1, 2], (1, 2)),
        (set[str], ["a"], {"a"}), (Color, "red", Color.RED), (Level, 1, Level.LOW), (Literal["a"], "a", "a"),
        (Typed, {"on": "2026-01-01"}, {"on": date(2026, 1, 1)}), (Pair, {"flag": True}, Pair(True)),
        (timedelta, "PT5S", timedelta(seconds=5)), (bytes, "AAE=", b"\x00\x01"), (Literal[1], 1, 1),
        (bytes, "SGVsbG8=", b"Hello"), (Decimal, "9" * 100, Decimal("9" * 100)),
    ],
)  # fmt: skip
def test_what_is_of_the_type_is_taken_exactly(annotation: Any, raw: Any, value: Any) -> None:
    taken = _taken(annotation, raw)
    assert (taken, repr(taken)) == (value, repr(value))


def test_all_errors_are_told_at_once_and_the_many_are_bounded() -> None:
    fields: dict[str, Any] = {"a": (int, ...), "b": (bool, ...), "c": (str, ...)}
    model = create_model("call", __config__=ConfigDict(extra="forbid"), **fields)
    endpoint = Endpoint(lambda: None, None, None, model, {}, Any, "", None, False)
    with pytest.raises(ValidationError) as refused:
        _arguments(endpoint, {"a": "1", "b": 1, "d": 2})
    codes = {error.field: error.code for error in refused.value.errors}
    assert codes == {"a": "wrong_type", "b": "wrong_type", "c": "required", "d": "unknown_field"}
    with pytest.raises(ValidationError) as refused:
        _taken(list[int], ["x"] * 5_000)
    assert len(refused.value.errors) == 1_000


@pytest.mark.parametrize(
    ("annotation", "raw", "at", "code"),
    [
        (list[int], [1, True], "it.1", "wrong_type"),
        (list[int], ["1"], "it.0", "wrong_type"),
        (list[str], [1], "it.0", "wrong_type"),
        (dict[str, int], {"a": True}, "it.a", "wrong_type"),
        (dict[str, list[bool]], {"a": [1]}, "it.a.0", "wrong_type"),
        (list[Level], ["1"], "it.0", "wrong_type"),
        (list[float], [True], "it.0", "wrong_type"),
        (list[int], [2**63], "it.0", "out_of_bounds"),
    ],
)
def test_elements_of_a_field_are_as_strict(annotation: Any, raw: Any, at: str, code: str) -> None:
    spec = read_field_spec("it", FieldInfo.from_annotation(annotation))
    errors: list[FieldError] = []
    parse_fields({"it": spec}, {"it": raw}, errors)
    assert [(error.field, error.code) for error in errors][:1] == [(at, code)]


class All(BaseModel):
    parts: list[All | Some] = []
    weight: int = 1


class Some(BaseModel):
    parts: list[All | Some] = []
    weight: int = 1


All.model_rebuild()


def test_unions_within_unions_are_tried_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong leaf is found by as many conversions as there are levels, not by twice as many per level."""
    count = 0

    def counted(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        return from_json(*arguments)

    monkeypatch.setattr(json_conversion, "from_json", counted)
    raw: dict[str, Any] = {"weight": "x"}
    for _ in range(14):
        raw = {"weight": 1, "parts": [raw]}
    errors: list[FieldError] = []
    json_conversion.convert(All | Some, raw, errors, "it")
    assert [(error.field, error.code) for error in errors] == [(f"it{'.parts.0' * 14}.weight", "wrong_type")]
    assert count == 2 * 15
