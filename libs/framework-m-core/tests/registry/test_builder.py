"""The builder: what sound declarations compile to, and all errors of unsound ones at once, each with its place."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import Field as PydanticField

from framework_m_core.controllers.controller import Controller, Documents
from framework_m_core.controllers.event_handler import on
from framework_m_core.controllers.rpc import requires_permission, rpc, whitelist
from framework_m_core.domain.documents.naming import SeriesNaming
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.events import DocCreated, DocDeleted, DomainEvent, Interest
from framework_m_core.domain.fields.field import Field
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names

from .conftest import compiled, errors_of


class Line(FakeDocType):
    text: str = ""

    class Meta:
        is_child_table = True


class Order(FakeDocType):
    code: str = ""
    lines: list[Line] = []

    class Meta:
        naming = "ORD-.##"


class OrderController(Controller[Order]):
    async def validate(self) -> None:
        """A hook."""

    @whitelist
    @requires_permission("write")
    async def approve(self, note: str, documents: Documents) -> None:
        """Approves it."""


@on("Order", DocCreated)
@on("Order", DocDeleted)
async def first(event: DomainEvent, documents: Documents) -> None: ...


@on("Order", DocCreated)
async def second(event: DomainEvent, documents: Documents) -> None: ...


@rpc("shop.stock.recount", allow_guest=True)
async def recount() -> int:
    return 0


def test_a_doctype_compiles_with_all_that_belongs_to_it() -> None:
    registry = compiled(Line, Order, controllers=[OrderController])
    plan = registry.get("Order")
    assert (plan.name, plan.module, plan.model, plan.controller) == ("Order", "tests", Order, OrderController)
    assert list(plan.fields) == ["code", "lines"]
    assert (plan.children["lines"].doctype, plan.children["lines"].model) == ("Line", Line)
    assert plan.naming == SeriesNaming(("ORD-", "##"))
    assert list(plan.calls) == ["approve"]
    assert plan.calls["approve"].doctype == "Order"


def test_child_tables_are_reached_through_their_parents_alone() -> None:
    assert list(compiled(Line, Order).doctypes) == ["Order"]


def test_a_doctype_may_say_which_module_it_belongs_to() -> None:
    class Ledger(FakeDocType):
        class Meta:
            module = "Accounts"

    assert compiled(Ledger).get("Ledger").module == "Accounts"


def test_handlers_are_kept_by_doctype_and_event_in_declared_order() -> None:
    registry = compiled(Line, Order, handlers=[first, second])
    (consumer,) = registry.consumers.values()
    assert (consumer.name, consumer.interest) == (
        "shop.handlers",
        Interest(["doc.created:Order", "doc.deleted:Order"]),
    )
    assert consumer.find_functions("doc.created:Order") == (first, second)
    assert consumer.find_functions("doc.deleted:Order") == (first,)
    assert consumer.find_functions("doc.updated:Order") == ()


def test_functions_are_kept_by_their_path() -> None:
    registry = compiled(functions=[recount])
    assert {path: call.function for path, call in registry.functions.items()} == {"shop.stock.recount": recount}


def test_what_is_declared_twice_is_declared_once() -> None:
    assert list(compiled(Line, Order, Order, controllers=[OrderController] * 2).doctypes) == ["Order"]


def test_an_error_names_the_class_its_module_and_its_line() -> None:
    class Broken(FakeDocType):
        target: str = Field(default="", link="Order")

    [found] = errors_of(Broken)
    line = inspect.getsourcelines(Broken)[1]
    assert found.startswith(
        f"{__name__}.{Broken.__qualname__}:{line}: field 'target': link='Order': expected the type UUID"
    )


def test_what_others_call_differently_is_told_by_our_name() -> None:
    class Line(FakeDocType):
        class Meta:
            is_child_table = True
            submittable = True

    class Order(FakeDocType):
        number: str = Field(reqd=True)  # type: ignore[call-overload]
        state: str = Field(default="a", choices=["a", "b"])  # type: ignore[call-overload]
        secret: str = Field(default="", permlevel=1)

        class Meta:
            sort_field = "number"
            field_levels = {1: {"reed": ["Clerk"]}}

    with pytest.raises(ConfigurationError) as refused:
        compiled(Line, Order)
    errors = sorted(error.partition(": ")[2] for error in refused.value.errors)
    assert [error for error in errors if "amended_from" in error] == []
    for expected in (
        "Field has no keyword 'reqd': leave out the default to require a value",
        "Field has no keyword 'choices': annotate the field with Literal or a StrEnum",
        "Meta.sort_field: there is no such option: did you mean 'order_by'?",
        "Meta.field_levels.1.reed: there is no such option: did you mean 'read'?",
    ):
        assert [error for error in errors if expected in error], (expected, errors)
    assert len([error for error in refused.value.errors if "Line" in error]) == 1, refused.value.errors


def test_all_errors_of_all_classes_are_told_at_once() -> None:
    class lowly(FakeDocType):
        price: complex = 0j

        class Meta:
            naming = "no counter"
            permisions = {"read": ["Clerk"]}

    class Orphan(Controller[Order]):
        """Its DocType is not registered."""

    @on("Nobody", DocCreated)
    async def handle(event: DomainEvent, documents: Documents) -> None: ...

    @rpc()
    async def call() -> None: ...

    with pytest.raises(ConfigurationError) as refused:
        compiled(lowly, controllers=[Orphan], handlers=[handle], functions=[call])
    expected = [
        "expected a name in PascalCase",
        "field 'price': type <class 'complex'> cannot be stored",
        "Meta.naming: 'no counter' is not a naming rule",
        "Meta.permisions: there is no such option: did you mean 'permissions'?",
        "its DocType Order is not registered",
        "@on names 'Nobody', not a DocType",
        "does not declare who may call it",
    ]
    errors = refused.value.errors
    assert [text for text in expected if not any(text in error for error in errors)] == []
    assert len(errors) == len(expected)
    assert all(error in str(refused.value) for error in errors)


def test_invalid_options_hide_no_errors_of_the_others() -> None:
    class Broken(FakeDocType):
        class Meta:
            submittable = "perhaps"
            indexes = (("nothing",),)

    found = "\n".join(errors_of(Broken))
    assert "Meta.submittable: " in found and "Meta.indexes names 'nothing'" in found


def test_an_invalid_child_table_is_told_once_however_many_hold_it() -> None:
    class Row(FakeDocType):
        price: complex = 0j

        class Meta:
            is_child_table = True

    class One(FakeDocType):
        rows: list[Row] = []

    class Two(FakeDocType):
        rows: list[Row] = []

    [found] = errors_of(Row, One, Two)
    assert "Row" in found and "'price'" in found


def test_a_name_is_taken_whatever_its_letter_case() -> None:
    class ORDER(FakeDocType):
        pass

    [found] = errors_of(Line, Order, ORDER)
    assert f"{ORDER.__qualname__}:" in found
    assert_names(found, "taken", f"{__name__}.Order")


def test_a_child_table_holds_no_child_tables() -> None:
    class Box(FakeDocType):
        lines: list[Line] = []

        class Meta:
            is_child_table = True

    class Crate(FakeDocType):
        boxes: list[Box] = []

    assert_names(errors_of(Line, Box, Crate), "Box", "child tables")


def test_a_field_goes_by_one_name() -> None:
    class Person(FakeDocType):
        first: str = PydanticField(default="", alias="firstName")
        last: str = PydanticField(default="", validation_alias="lastName")
        other: str = PydanticField(default="", serialization_alias="otherName")

    found = errors_of(Person)
    assert len(found) == 3
    for name in ("first", "last", "other"):
        assert_names(found, repr(name), "aliases")


def test_a_controller_names_one_doctype_and_a_doctype_has_one_controller() -> None:
    class Bare(Controller):  # type: ignore[type-arg]
        """Names no DocType."""

    class Another(Controller[Order]):
        """Comes second."""

    found = errors_of(Line, Order, controllers=[Bare, OrderController, Another])
    assert_names(found[0], "Bare", "class XController(Controller[X]")
    assert_names(found[1], "Another", "Order", f"{__name__}.OrderController")
    assert len(found) == 2


def test_a_path_is_taken_once() -> None:
    @rpc("shop.stock.recount", allow_guest=True)
    async def again() -> None: ...

    [found] = errors_of(functions=[recount, again])
    assert_names(found, f"again:{inspect.getsourcelines(again)[1]}", "'shop.stock.recount'", f"{__name__}.recount")


def test_a_function_requires_a_permission_on_a_doctype_that_there_is() -> None:
    @rpc()
    @requires_permission("read", "Ordre")
    async def call() -> None: ...

    [found] = errors_of(Line, Order, functions=[call])
    assert_names(found, "'Ordre'", "DocType", "'Order'")


def test_child_tables_are_no_targets_of_calls() -> None:
    @rpc()
    @requires_permission("read", "Line")
    async def call() -> None: ...

    [found] = errors_of(Line, Order, functions=[call])
    assert_names(found, "'Line'", "DocType")


def test_a_function_without_source_has_a_place_too() -> None:
    scope: dict[str, Any] = {"__name__": "generated"}
    exec("async def handle(event): ...", scope)
    handle: Callable[..., Any] = on("Order", DocCreated)(scope["handle"])
    [found] = errors_of(Line, Order, handlers=[handle])
    assert found.startswith("generated.handle: ")


def test_what_is_added_after_a_freeze_is_in_the_next_snapshot_alone() -> None:
    builder = RegistryBuilder()
    builder.add_doctype(Line, "tests")
    before = builder.freeze()
    builder.add_doctype(Order, "tests")
    assert (list(before.doctypes), list(builder.freeze().doctypes)) == ([], ["Order"])
