"""Keys of look-ups: equal values of a field have one key, different ones do not, and no key is a number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from framework_m_core.domain.fields.spec import read_field_spec
from framework_m_core.domain.hash_keys import find_unseeded_types, hash_key, hash_keys
from framework_m_testing.samples.doctypes import Colour

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Decimal("1.0"), Decimal("1.00")),
        (Decimal("0.00"), Decimal("-0")),
        (Decimal("1E+2"), Decimal(100)),
        (0.0, -0.0),
        (NOON, NOON.astimezone(timezone(timedelta(hours=2)))),
    ],
)
def test_equal_values_have_one_key(one: Any, other: Any) -> None:
    assert one == other
    assert hash_key(one) == hash_key(other)


@pytest.mark.parametrize(
    "values",
    [
        st.uuids(),
        st.text(),
        st.integers(),
        st.booleans(),
        st.floats(allow_nan=False),
        st.decimals(allow_nan=False, allow_infinity=False),
        st.datetimes(timezones=st.just(UTC)),
        st.dates(),
    ],
    ids=["uuid", "text", "integer", "boolean", "float", "decimal", "datetime", "date"],
)
def test_keys_are_as_equal_as_their_values(values: st.SearchStrategy[Any]) -> None:
    @given(st.lists(values, min_size=2, max_size=2), values)
    def holds(pair: list[Any], other: Any) -> None:
        one, two = pair
        assert (hash_key(one) == hash_key(two)) is (one == two)
        assert (hash_keys(one, other) == hash_keys(two, other)) is (one == two)
        assert isinstance(hash_key(one), bytes | str)

    holds()


def test_several_values_do_not_run_together() -> None:
    assert hash_keys("ab", "c") != hash_keys("a", "bc")
    assert hash_keys("1:a", "") != hash_keys("", "1:a")


def test_what_collides_in_python_has_keys_of_its_own() -> None:
    same = [UUID(int=place * (2**61 - 1)) for place in range(1, 50)]
    assert len(set(map(hash, same))) == 1
    assert len({hash_key(id) for id in same}) == len(same)


def test_a_value_that_is_no_scalar_has_no_key() -> None:
    with pytest.raises(TypeError, match=r"\bscalar\b.*\blist\b"):
        hash_key([])
    assert hash_key(date(2026, 1, 1)) == "2026-01-01"


class Inner(BaseModel):
    """Refers to itself, and holds a set of numbers."""

    numbers: set[int] = set()
    inner: Inner | None = None


type Ids = set[UUID]
type Words = set[str]


@dataclass
class Record:
    """Holds ids."""

    ids: list[Ids]


@pytest.mark.parametrize(
    "annotation",
    [
        Ids, Record, Inner, list[Inner] | None, set, set[UUID], set[Any], frozenset[int], list[set[Decimal]],
        set[tuple[int, str]], dict[int, str], dict[str | int, str], dict[str, dict[UUID, str]],
        Annotated[set[float], "x"],
    ],
)  # fmt: skip
def test_types_that_hash_what_callers_send_are_named(annotation: Any) -> None:
    assert next(find_unseeded_types(annotation))


@pytest.mark.parametrize(
    "annotation",
    [
        Words,
        list[UUID],
        dict,
        dict[str, Any],
        dict[Any, Any],
        set[str],
        frozenset[Colour],
        set[Literal[1, 2]],
        Any,
        None,
        UUID,
    ],
)
def test_types_that_do_not_are_not(annotation: Any) -> None:
    assert list(find_unseeded_types(annotation)) == []


def test_a_field_of_such_a_type_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\bset\b.*\blist\b"):
        read_field_spec("ids", FieldInfo(annotation=list[set[UUID]], default=None))
    with pytest.raises(ValueError, match=r"\bdict\b.*keys of text"):
        read_field_spec("by", FieldInfo(annotation=dict[int, str], default=None))
