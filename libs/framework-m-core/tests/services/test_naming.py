"""`NamingService`: the name that each rule gives, where its number comes from, and names that cannot be used."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import ValidationError
from framework_m_core.domain.fields.values import MAX_INDEXED_TEXT
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.naming import NamingService
from framework_m_testing.fakes.doctype import FakeDocType

from .conftest import NOW

ID = UUID(int=7)


class Counter:
    """Counts each prefix from 1."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.tenants: list[str | None] = []

    async def allocate(self, context: RequestContext, prefix: str, n: int = 1) -> int:
        first = self.counts.get(prefix, 0) + 1
        self.counts[prefix] = first + n - 1
        self.tenants.append(context.tenant)
        return first


class Unit:
    """A unit of work with a counter of its own."""

    def __init__(self, last: int) -> None:
        self.last = last

    async def allocate(self, prefix: str, n: int = 1) -> int:
        assert prefix == "Order:N-"
        self.last += n
        return self.last - n + 1


def _plan(naming: str | None) -> CompiledDocType:
    rule = naming

    class Order(FakeDocType):
        code: str = ""
        note: str | None = None

        class Meta:
            naming = rule

    builder = RegistryBuilder()
    builder.add_doctype(Order, "tests")
    return builder.freeze().get("Order")


async def _name(naming: str | None, given: str | None = None, unit: Any = None, **values: Any) -> str:
    context = RequestContext(Principal("ada"), clock=lambda: NOW, unit=unit)
    return await NamingService(Counter()).make_name(
        _plan(naming), ID, given, {"code": "C-1", "note": None, **values}, context
    )


@pytest.mark.parametrize(
    ("naming", "expected"),
    [
        (None, str(ID)),
        ("prompt", "given"),
        ("field:code", "C-1"),
        ("INV-.YYYY.-.####", "INV-2026-0001"),
        ("{code}.-.MM.-.##.-x", "C-1-01-01-x"),
    ],
)
async def test_each_rule_gives_its_name(naming: str | None, expected: str) -> None:
    assert await _name(naming, "given") == expected


async def test_a_series_counts_per_doctype_and_text_before_the_counter() -> None:
    counter, plan, context = Counter(), _plan("{code}.-.##"), RequestContext(Principal("ada"), tenant="north")
    naming = NamingService(counter)
    names = [await naming.make_name(plan, ID, None, {"code": code}, context) for code in ("A", "B", "A")]
    assert names == ["A-01", "B-01", "A-02"]
    assert counter.counts == {"Order:A-": 2, "Order:B-": 1}
    assert counter.tenants == ["north"] * 3


async def test_a_write_that_joins_a_unit_takes_its_number_in_it() -> None:
    assert await _name("N-.##", unit=Unit(40)) == "N-41"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "required"), ("", "required"), (" \t", "required"), ("a/b", "bad_name"), (str(ID), "bad_name"),
        (ID.hex, "bad_name"), (".", "bad_name"), (" .. ", "bad_name"), ("a\nb", "bad_name"), ("a\u200bb", "bad_name"),
        ("a\u202eb", "bad_name"), ("a\u2028b", "bad_name"), ("a\x07", "bad_name"), ("a\u200d1", "bad_name"),
        *((f"a{blank}b", "bad_name")
          for blank in "\u034f\ufe0f\u3164\u115f\u17b5\u2800\ufffe\ufdd0\U0001ffff\U000e0100"),
        ("a\u200db", "bad_name"), ("\u0433\u200c\u0433", "bad_name"), ("\u3164", "bad_name"), ("\ufe0f", "bad_name"),
        ("x" * (MAX_INDEXED_TEXT + 1), "bad_name"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("naming", ["prompt", "field:code"])
async def test_names_that_cannot_be_used_are_refused(naming: str, given: str | None, code: str) -> None:
    values = {"code": given} if naming == "field:code" else {}
    with pytest.raises(ValidationError) as refused:
        await _name(naming, given, **values)
    assert [(error.field, error.code) for error in refused.value.errors] == [("name", code)]


async def test_a_value_may_not_smuggle_a_slash_into_a_series() -> None:
    with pytest.raises(ValidationError):
        await _name("{code}.-.##", code="a/b")


@pytest.mark.parametrize("given", ["x" * MAX_INDEXED_TEXT, "Ärger über 100 %", "注文"])
async def test_the_longest_name_and_any_script_are_taken(given: str) -> None:
    assert await _name("prompt", given) == given


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("  a b ", "a b"),
        ("\u00a0a\u3000", "a"),
        ("e\u0301", "\u00e9"),
        ("I \u2764\ufe0f M", "I \u2764\ufe0f M"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("\u0915\u094d\u200d\u0937", "\u0915\u094d\u200d\u0937"),
    ],
)
async def test_a_name_has_one_form(given: str, stored: str) -> None:
    assert await _name("prompt", given) == stored
    assert await _name("field:code", code=given) == stored


async def test_what_looks_the_same_counts_together() -> None:
    counter, plan, context = Counter(), _plan("{code}.-.##"), RequestContext(Principal("ada"))
    naming = NamingService(counter)
    names = [
        await naming.make_name(plan, ID, None, {"code": code}, context) for code in ("e\u0301", "\u00e9", " \u00e9")
    ]
    assert names == ["\u00e9-01", "\u00e9-02", "\u00e9-03"]
