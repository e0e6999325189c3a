"""Keyset cursors: what follows a document in an order, and cursors that come back from anywhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework_m_core.domain.errors import QueryError
from framework_m_core.domain.filters.matching import matches
from framework_m_core.domain.filters.tree import fields_of
from framework_m_core.domain.page import OrderSpec
from framework_m_core.services.queries.cursors import encode_cursor, filter_after_cursor, filter_after_values
from framework_m_testing.strategies import json_values, orders
from tests.errors import assert_names

from .conftest import THING, stored, stored_things

BY_NUMBER = (OrderSpec("number"), OrderSpec("id"))


def _order(names: Sequence[str]) -> tuple[OrderSpec, ...]:
    specs = tuple(OrderSpec(name.removeprefix("-"), name.startswith("-")) for name in names)
    return specs if any(spec.field == "id" for spec in specs) else (*specs, OrderSpec("id"))


def _sorted(order: Sequence[OrderSpec], documents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The reference: by the last field first; nulls come last both ways."""
    found = list(documents)
    for spec in reversed(order):
        known = [document for document in found if document[spec.field] is not None]
        known.sort(key=itemgetter(spec.field), reverse=spec.descending)
        found = known + [document for document in found if document[spec.field] is None]
    return found


def _numbered(documents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**document, "id": UUID(int=number)} for number, document in enumerate(documents)]


@given(st.lists(stored_things(), min_size=1, max_size=6).map(_numbered), orders(THING).map(_order))
def test_what_follows_a_cursor_is_what_follows_its_document(
    documents: list[dict[str, Any]], order: tuple[OrderSpec, ...]
) -> None:
    listed = _sorted(order, documents)
    for place, document in enumerate(listed):
        cursor = encode_cursor(THING, order, document)
        assert cursor is not None
        where = filter_after_cursor(THING, order, cursor)
        assert [one["id"] for one in listed if matches(where, one)] == [one["id"] for one in listed[place + 1 :]]


@given(stored_things(), orders(THING).map(_order))
def test_a_cursor_holds_the_values_of_its_document(document: Mapping[str, Any], order: tuple[OrderSpec, ...]) -> None:
    cursor = encode_cursor(THING, order, document)
    assert cursor is not None
    values = [document[spec.field] for spec in order]
    assert filter_after_cursor(THING, order, cursor) == filter_after_values(THING, order, values)


@given(orders(THING).map(_order), st.text() | st.text(st.sampled_from("abcXYZ059-_=")))
def test_any_text_is_a_filter_or_refused(order: tuple[OrderSpec, ...], text: str) -> None:
    with suppress(QueryError):
        assert fields_of(filter_after_cursor(THING, order, text)) <= {spec.field for spec in order}


@given(st.lists(json_values(), max_size=3) | json_values())
def test_forged_values_are_a_filter_or_refused(values: Any) -> None:
    try:
        where = filter_after_cursor(THING, BY_NUMBER, _forged(["number,id", values]))
    except QueryError:
        return
    assert matches(where, stored(THING, number=values[0] + 1))


def _forged(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


REFUSED: dict[str, str] = {
    "empty": "",
    "no base64": "ü",
    "no JSON": "abcd",
    "no pair": _forged(5),
    "one value": _forged(["number,id", [5]]),
    "three values": _forged(["number,id", [5, str(UUID(int=5)), 1]]),
    "no list": _forged(["number,id", {"number": 5, "id": 6}]),
    "another order": _forged(["-number,id", [5, str(UUID(int=5))]]),
    "another kind": _forged(["number,id", ["5", str(UUID(int=5))]]),
    "null where there is none": _forged(["number,id", [None, str(UUID(int=5))]]),
    "huge number": _forged(["number,id", [1 << 63, str(UUID(int=5))]]),
    "no number": base64.urlsafe_b64encode(b'["number,id",[1e99999999999999999999,""]]').decode(),
    "deep": base64.urlsafe_b64encode(b"[" * 5_000).decode(),
    "long": _forged(["number,id", [5, str(UUID(int=5))]]) + "=" * 8_000,
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_cursor_that_is_not_of_this_order_is_refused(name: str) -> None:
    with pytest.raises(QueryError) as refused:
        filter_after_cursor(THING, BY_NUMBER, REFUSED[name])
    assert_names(refused.value, "cursor", "order")


def test_values_that_are_too_long_make_no_cursor() -> None:
    by_text = (OrderSpec("text"), OrderSpec("id"))
    assert encode_cursor(THING, by_text, stored(THING, text="x" * 6_000)) is None
    longest = encode_cursor(THING, by_text, stored(THING, text="x" * 5_000))
    assert longest is not None
    filter_after_cursor(THING, by_text, longest)


def test_a_cursor_can_stand_in_an_address() -> None:
    cursor = encode_cursor(THING, (OrderSpec("text"), OrderSpec("id")), stored(THING, text="??>>ÿÿ~~" * 9))
    assert cursor is not None
    assert cursor.replace("-", "").replace("_", "").isalnum()
