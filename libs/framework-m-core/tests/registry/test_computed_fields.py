"""Which computed fields can be declared, in which order they are computed, and what overrides make of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError, computed_field

from framework_m_core.domain.fields.computed import Computed, computed
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.fields.spec import FieldKind
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names

from .conftest import compiled, errors_of


class Piece(FakeDocType):
    cost: Decimal = Field(default=Decimal(2), scale=2)

    @computed(scale=2)
    def price(self) -> Decimal:
        return self.cost * 2

    class Meta:
        is_child_table = True


class Offer(FakeDocType):
    discount: Decimal = Field(default=Decimal(1), scale=2)
    pieces: list[Piece] = []

    @computed(scale=2, label="Total")
    def total(self) -> Decimal:
        """What is to be paid."""
        return max(value for value in (self._net() - self.discount, Decimal(0)))

    def _net(self) -> Decimal:
        return self.net

    @computed(scale=2)
    def net(self) -> Decimal:
        return sum((piece.price for piece in self.pieces), Decimal(0))

    @computed_field(title="Short")  # type: ignore[prop-decorator]
    @property
    def short(self) -> str | None:
        return f"{self.total}"


class FreightOffer(Offer):
    freight: Decimal = Field(default=Decimal(5), scale=2)

    @computed(scale=2)
    def net(self) -> Decimal:
        return super().net + self.freight

    @computed
    def many(self) -> bool:
        return len(self.pieces) > 1

    class Meta:
        overrides = True


def _offers(*overrides: Any) -> CompiledDocType:
    builder = RegistryBuilder()
    builder.add_doctype(Piece, "offers")
    builder.add_doctype(Offer, "offers")
    for override in overrides:
        builder.add_doctype(override, "freight")
    return builder.freeze().get("Offer")


def test_they_are_fields_of_the_doctype_in_an_order_in_which_they_can_be_computed() -> None:
    plan = compiled(Piece, Offer).get("Offer")
    assert plan.computed.names.index("net") < plan.computed.names.index("total") < plan.computed.names.index("short")
    total, short = plan.fields["total"], plan.fields["short"]
    assert (total.kind, total.scale, total.label, total.read_only, total.required) == (
        FieldKind.DECIMAL, 2, "Total", True, False,
    )  # fmt: skip
    assert (short.kind, short.nullable, short.computed) == (FieldKind.TEXT, True, True)
    assert plan.children["pieces"].computed.names == ("price",)
    assert "total" in plan.columns


def test_in_python_they_are_what_they_are_computed_of() -> None:
    offer = Offer(pieces=[Piece(cost=Decimal("1.005"))])
    assert (offer.pieces[0].price, offer.total) == (Decimal("2.01"), Decimal("1.01"))
    offer.pieces.append(Piece())
    assert offer.total == Decimal("5.01")
    assert isinstance(Offer.total, Computed)
    with pytest.raises(ValidationError):
        Offer(total=Decimal(1))  # type: ignore[call-arg]


def test_an_override_adds_and_replaces_them() -> None:
    plan = _offers(FreightOffer)
    assert {"many", "freight"} <= plan.additions.fields.keys()
    assert plan.model(pieces=[{}]).total == 8  # type: ignore[attr-defined]
    assert plan.fields["total"].label == "Total"


class OtherKind(Offer):
    @computed
    def net(self) -> int:  # type: ignore[override]
        return 1

    class Meta:
        overrides = True


class OfField(Offer):
    @computed  # type: ignore[misc]
    def discount(self) -> Decimal:
        return Decimal(1)

    class Meta:
        overrides = True


class Circle(Offer):
    @computed(scale=2)
    def net(self) -> Decimal:
        return super().net + self.total

    class Meta:
        overrides = True


class Again(Offer):
    @computed
    def many(self) -> bool:
        return True

    class Meta:
        overrides = True


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([OtherKind], "field 'net': expected kind decimal"),
        ([OfField], "'discount' is a field"),
        ([Circle], "computed fields read each other without end: total -> net -> total"),
        ([FreightOffer, Again], "field 'many' is also added by"),
    ],
)
def test_what_an_override_may_not_do_is_told(overrides: list[Any], said: str) -> None:
    assert_names(errors_of(Piece, Offer, *overrides), said)


class Wrong(FakeDocType):
    @computed
    def untyped(self):  # type: ignore[no-untyped-def]
        return 1

    @computed
    def unknown(self) -> Nowhere:  # type: ignore[name-defined]  # noqa: F821
        return 1

    @computed
    def unscaled(self) -> Decimal:
        return Decimal(1)

    @computed
    async def later(self) -> int:
        return 1

    @computed
    def rows(self) -> list[Piece]:
        return []

    @computed(set_once=True, scal=2)  # type: ignore[call-overload,untyped-decorator]
    def odd(self) -> int:
        return 1

    @computed(scale=2, scal=2)  # type: ignore[call-overload,untyped-decorator]
    def misspelt(self) -> Decimal:
        return Decimal(1)

    @computed(link="Offer")  # type: ignore[call-overload,untyped-decorator]
    def linked(self) -> UUID | None:
        return None

    @computed  # type: ignore[misc]
    def name(self) -> str:
        return ""

    @computed_field(alias="al")  # type: ignore[prop-decorator]
    @property
    def aliased(self) -> int:
        return 1


def test_what_cannot_be_computed_is_told_at_the_start() -> None:
    found = errors_of(Piece, Offer, Wrong)
    for name, said in {
        "untyped": "expected a return type",
        "unknown": "its return type cannot be read",
        "unscaled": "expected a scale",
        "later": "expected 'def', got 'async def'",
        "rows": "got rows",
        "odd": "set_once has no effect",
        "misspelt": "'scal'",
        "linked": "link has no effect",
        "name": "is a field",
        "aliased": "alias has no effect",
    }.items():
        assert_names(found, f"'{name}'", said)


def test_fields_that_read_themselves_are_told_once() -> None:
    class Loop(FakeDocType):
        @computed
        def first(self) -> int:
            return sum(self.second for _ in range(1))

        @computed
        def second(self) -> int:
            return max(1, 2, key=lambda _: self.third)

        @computed
        def third(self) -> int:
            return self.first

    [found] = errors_of(Loop)
    assert_names(found, "Loop", "first -> second -> third -> first")
