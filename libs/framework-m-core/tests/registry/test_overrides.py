"""Overrides: what other apps add to a DocType is part of it, in the order of the apps, and nothing of it is lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError, field_validator

from framework_m_core.controllers.controller import Controller
from framework_m_core.controllers.rpc import requires_permission, whitelist
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.fields.spec import FieldKind
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names

from .conftest import errors_of


class Line(FakeDocType):
    what: str = ""

    class Meta:
        is_child_table = True


class Client(FakeDocType):
    """Who buys."""

    title: str
    phone: str = Field(default="", label="Phone")
    lines: list[Line] = []

    class Meta:
        permissions = {"read": {"Clerk": "all"}}
        naming = "field:title"


class LoyalClient(Client):
    """Clients with points."""

    points: int = Field(default=0, ge=0)
    phone: str = Field(default="", label="Mobile", max_length=5)

    class Meta:
        overrides = True
        permissions = {"read": {"Clerk": "own"}}

    @field_validator("phone")
    @classmethod
    def _digits(cls, value: str) -> str:
        if not (value.isdigit() or not value):
            raise ValueError("digits are expected")
        return value


class TaxedClient(Client):
    tax_number: str | None = Field(default=None, unique=True)

    class Meta:
        overrides = True


class PricedLine(Line):
    price: Decimal = Field(default=Decimal(0), scale=2)

    class Meta:
        overrides = True


class ClientController(Controller[Client]):
    async def validate(self) -> None:
        self.seen = ["client"]
        self.doc.title += "a"

    async def after_save(self) -> None:
        self.doc.phone = ",".join(self.seen)

    @whitelist
    @requires_permission("read")
    async def greet(self) -> str:
        return "hello"


class LoyalController(Controller[LoyalClient]):
    async def validate(self) -> None:
        self.doc.title += "b"
        self.doc.points += 1

    async def before_insert(self) -> None:
        self.doc.title += "c"


def _plan(*classes: Any) -> CompiledDocType:
    builder = RegistryBuilder()
    for one in classes:
        if issubclass(one, Controller):
            builder.add_controller(one)
        else:
            builder.add_doctype(one, "tests")
    return builder.freeze().get("Client")


ALL = (Line, Client, LoyalClient, TaxedClient, PricedLine)


def test_fields_of_all_are_there_and_those_altered_are_as_the_override_has_them() -> None:
    plan = _plan(*ALL)
    assert set(plan.fields) == {"title", "phone", "lines", "tax_number", "points"}
    assert (plan.fields["phone"].label, plan.fields["tax_number"].unique) == ("Mobile", True)
    assert plan.children["lines"].fields["price"].kind is FieldKind.DECIMAL
    assert (plan.name, plan.overrides) == ("Client", (LoyalClient, TaxedClient))


def test_the_order_of_the_apps_does_not_undo_what_an_earlier_one_has_altered() -> None:
    plan = _plan(Line, Client, TaxedClient, LoyalClient)
    assert plan.fields["phone"].label == "Mobile"


def test_documents_are_of_the_composed_class_and_of_its_parts() -> None:
    plan = _plan(*ALL)
    document: Any = plan.model.model_validate({"title": "x", "lines": [{"what": "y", "price": "1.50"}]})
    assert isinstance(document, LoyalClient) and isinstance(document, TaxedClient)
    assert (document.points, document.lines[0].price) == (0, Decimal("1.50"))
    for wrong in ({"phone": "abc"}, {"phone": "123456"}, {"points": -1}):
        with pytest.raises(ValidationError):
            plan.model.model_validate({"title": "x", **wrong})


def test_options_that_an_override_states_replace_the_others_stay() -> None:
    plan = _plan(*ALL)
    assert plan.meta.scopes_of("read") == {"Clerk": "own"}
    assert plan.meta.naming == "field:title"


async def test_controllers_run_in_order_on_one_document_and_keep_what_they_note() -> None:
    plan = _plan(*ALL, LoyalController, ClientController)
    assert plan.controller is not None
    assert plan.hooks == {"validate", "before_insert", "after_save"}
    document: Any = plan.model.model_validate({"title": ""})
    nothing: Any = None
    controller = plan.controller(document, None, nothing, nothing)
    for hook in ("validate", "before_insert", "after_save"):
        await getattr(controller, hook)()
    assert (document.title, document.points, document.phone) == ("abc", 1, "client")
    assert set(plan.calls) == {"greet"}


async def test_a_controller_that_inherits_another_takes_its_place() -> None:
    class Extended(ClientController, Controller[LoyalClient]):
        async def validate(self) -> None:
            await super().validate()
            self.doc.title += "!"

    plan = _plan(*ALL, ClientController, Extended)
    assert plan.controller is Extended
    assert plan.calls["greet"].controller is Extended


def test_an_override_of_an_override_is_one_of_the_doctype() -> None:
    class VeryLoyal(LoyalClient):
        level: int = 0

        class Meta:
            overrides = True

    plan = _plan(*ALL, VeryLoyal)
    assert {"points", "level"} <= set(plan.fields)
    assert plan.overrides[-1] is VeryLoyal


def _named_alike() -> Any:
    parent = globals()["Client"]

    class Client(parent):  # type: ignore[misc, valid-type]
        extra: int = 0

        class Meta:
            overrides = True

    return Client


def test_an_override_may_have_the_name_of_what_it_overrides() -> None:
    assert "extra" in _plan(Line, Client, _named_alike()).fields


class _Loose(FakeDocType):
    class Meta:
        overrides = True


class Retyped(Client):
    phone: int = 0  # type: ignore[assignment]

    class Meta:
        overrides = True


class AlsoPoints(Client):
    points: int = 5

    class Meta:
        overrides = True


class ChildClient(Client):
    class Meta:
        overrides = True
        is_child_table = True


class Misspelt(Client):
    extra: str = Field(default="", lable="x")  # type: ignore[call-overload]

    class Meta:
        overrides = True
        namig = "x"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (_Loose, "expected a subclass of the DocType that it overrides"),
        (Retyped, "field 'phone': expected kind text as in Client, got integer"),
        (AlsoPoints, "field 'points' is also added by"),
        (ChildClient, "Meta.is_child_table belongs to Client"),
        (Misspelt, "Field has no keyword 'lable'"),
        (Misspelt, "Meta.namig"),
    ],
)
def test_what_an_override_may_not_do_is_told_at_its_own_place(wrong: Any, said: str) -> None:
    found = [error for error in errors_of(*ALL, wrong) if said in error]
    assert len(found) == 1
    assert found[0].startswith(f"{__name__}.{wrong.__qualname__}:")


def test_the_app_of_the_doctype_that_is_missing_is_named() -> None:
    class Order(FakeDocType):
        __module__ = "shop.orders"

    class OurOrder(Order):
        class Meta:
            overrides = True

    (found,) = [error for error in errors_of(*ALL, OurOrder) if "Meta.overrides" in error]
    assert_names(found, "Order of 'shop'", "[framework] apps")


def test_two_controllers_cannot_offer_one_call() -> None:
    class Other(Controller[LoyalClient]):
        @whitelist
        @requires_permission("read")
        async def greet(self) -> str:
            return "goodbye"

    [found] = errors_of(*ALL, controllers=(ClientController, Other))
    assert_names(found, "greet", "ClientController", "Other")


def test_a_controller_of_a_class_that_is_nothing_is_refused() -> None:
    builder = RegistryBuilder()
    builder.add_controller(LoyalController)
    with pytest.raises(ConfigurationError) as refused:
        builder.freeze()
    assert_names(refused.value.errors, "LoyalController", "LoyalClient", "not registered")
