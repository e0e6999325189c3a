"""Event types and consumers, compiled or refused with what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from functools import wraps
from typing import Any, cast
from uuid import UUID

import pytest
from pydantic import BaseModel
from pydantic import Field as PydanticField

from framework_m_core.controllers.consumer import consumer
from framework_m_core.controllers.controller import Documents
from framework_m_core.controllers.declaration import declarations_of
from framework_m_core.controllers.event_handler import on
from framework_m_core.controllers.event_type import event_type
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.events import AnyEvent, DocCreated, Interest, PublishedEvent, is_event_type, is_pattern
from framework_m_core.domain.fields.field import Field
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.event_types import EventType, dump_payload
from framework_m_core.registry.registry import Registry
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names


class Order(FakeDocType):
    """What is shipped."""


@event_type("shop.order_shipped", doctype="Order", key="order")
class OrderShipped(BaseModel):
    order: UUID
    carrier: str = ""


def _compiled(*declared: Any, app: str = "shop") -> Registry:
    builder = RegistryBuilder()
    builder.add_doctype(Order, "shop")
    for one in declared:
        for declaration in declarations_of(one):
            declaration.register(builder, one, app)
    return builder.freeze()


def _find_error(*declared: Any, app: str = "shop") -> str:
    with pytest.raises(ConfigurationError) as refused:
        _compiled(*declared, app=app)
    (error,) = refused.value.errors
    return error


def _handler() -> Any:
    async def fresh(event: Any, documents: Any) -> None: ...

    return fresh


def test_an_event_type_is_kept_by_its_name_and_its_model() -> None:
    registry = _compiled(OrderShipped)
    expected = EventType("shop.order_shipped", OrderShipped, "shop", "Order", "order")
    assert registry.event_types == {"shop.order_shipped": expected}
    assert registry.payload_types == {OrderShipped: expected}
    assert registry.knows("shop.order_shipped") and registry.knows("doc.created")
    assert not registry.knows("shop.order_sent") and not registry.knows("created")


def test_a_handler_of_an_app_s_event_is_kept_by_its_topic() -> None:
    fresh = on(OrderShipped)(on("Order", DocCreated)(_handler()))
    one = _compiled(OrderShipped, fresh).consumers["shop.handlers"]
    assert one.interest == Interest(["doc.created:Order", "shop.order_shipped:Order"])
    assert one.find_functions("shop.order_shipped:Order") == one.find_functions("doc.created:Order") == (fresh,)


def test_each_app_has_a_consumer_for_its_handlers() -> None:
    builder = RegistryBuilder()
    builder.add_doctype(Order, "shop")
    for app in ("shop", "crm"):
        builder.add_handler(on("Order", DocCreated)(_handler()), app)
    assert sorted(builder.freeze().consumers) == ["crm.handlers", "shop.handlers"]


def test_a_consumer_gets_what_its_patterns_cover() -> None:
    every, some = consumer("every", "*")(_handler()), consumer("some", "shop.*", "doc.created:Order")(_handler())
    found = _compiled(OrderShipped, every, some).consumers
    topics = ["doc.deleted:Order", "crm.closed", "doc.created:Order"]
    assert {topic: found["every"].find_functions(topic) for topic in topics} == dict.fromkeys(topics, (every,))
    covered = ["shop.order_shipped:Order", "doc.created:Order"]
    others = ["doc.created:Note", "doc.deleted:Order", "shopping.ended"]
    assert [topic for topic in (*covered, *others) if found["some"].find_functions(topic)] == covered


def _models() -> Iterator[tuple[str, Any, str]]:
    def declared(name: str, **options: Any) -> Any:
        class Payload(BaseModel):
            number: int = 0
            secret: str = Field(default="", sensitive=True)

        return event_type(name, **options)(Payload)

    yield "no dot", declared("shipped"), "'shop.<past tense>'"
    yield "another app", declared("crm.closed"), "not 'crm.closed'"
    yield "the framework's", declared("doc.shipped"), "not 'doc.shipped'"
    yield "capitals", declared("shop.OrderShipped"), "in lower case"
    yield "doctype", declared("shop.sent", doctype="Ordre"), "did you mean 'Order'"
    yield "key", declared("shop.sent", key="nubmer"), "did you mean 'number'"
    yield "sensitive key", declared("shop.sent", key="secret"), "'secret' is not a stored field"

    class Required(BaseModel):
        secret: str = Field(sensitive=True)

    class Nested(BaseModel):
        parts: list[Required] = []

    class Aliased(BaseModel):
        number: int = PydanticField(default=0, alias="no")

    yield "sensitive", event_type("shop.sent")(Required), "Required.secret is sensitive"
    yield "nested", event_type("shop.sent")(Nested), "Required.secret is sensitive"
    yield "alias", event_type("shop.sent")(Aliased), "aliases are not supported"
    yield "no model", event_type("shop.sent")(type("Plain", (), {})), "expects the pydantic model"


@pytest.mark.parametrize(("model", "said"), [pytest.param(*case[1:], id=case[0]) for case in _models()])
def test_an_event_type_that_cannot_be_used_is_refused(model: Any, said: str) -> None:
    assert said in _find_error(model)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"key": "nubmer"}, "did you mean 'number'"), ({"doctype": "Ordre"}, "did you mean 'Order'")],
)
def test_one_mistake_in_an_event_type_is_one_error(options: Any, said: str) -> None:
    """Those who name the type have made no mistake."""

    @event_type("shop.sent", **options)
    class Sent(BaseModel):
        number: int = 0

    assert said in _find_error(
        Sent, on(Sent)(_handler()), consumer("search", "shop.sent", "shop.sent:Order")(_handler())
    )


def test_a_name_that_is_no_event_type_s_is_one_error() -> None:
    @event_type("shop.Sent")
    class Sent(BaseModel): ...

    assert "not 'shop.Sent'" in _find_error(Sent, on(Sent)(_handler()), consumer("search", "shop.Sent")(_handler()))


def test_two_models_of_one_type_are_refused() -> None:
    @event_type("shop.order_shipped")
    class Other(BaseModel): ...

    assert_names(
        _find_error(OrderShipped, Other, on(Other)(_handler())), "'shop.order_shipped'", "OrderShipped", "Other"
    )


def test_an_app_with_a_dash_has_types_with_an_underscore() -> None:
    @event_type("my_shop.closed")
    class Closed(BaseModel): ...

    assert list(_compiled(Closed, app="My-Shop").event_types) == ["my_shop.closed"]


@pytest.mark.parametrize(
    ("declare", "said"),
    [
        (lambda: consumer("Search", "*"), "a unique name in lower case"),
        (lambda: consumer("bus", "*"), "a unique name"),
        (lambda: consumer("shop.handlers", "*"), "a unique name"),
        (lambda: consumer("search"), "@consumer takes topics"),
        (lambda: consumer("search", cast("Any", OrderShipped)), "takes topics as text"),
        (lambda: consumer("search", "doc created"), "got 'doc created'"),
        (lambda: consumer("search", "doc.craeted"), "did you mean 'doc.created'"),
        (lambda: consumer("search", "doc.created:Ordre"), "did you mean 'Order'"),
        (lambda: on(BaseModel), "or a model with @event_type"),
        (lambda: on("Order", cast("Any", OrderShipped)), "an event class such as DocSubmitted"),
    ],
)
def test_a_consumer_that_cannot_be_used_is_refused(declare: Any, said: str) -> None:
    assert said in _find_error(OrderShipped, declare()(_handler()))


async def _by_name(documents: Any, event: Any) -> None: ...


async def _by_the_second_name(client: Any, event: Any) -> None: ...


async def _by_annotation(client: Documents, happened: Any) -> None: ...


async def _by_class(client: Any, happened: DocCreated) -> None: ...


async def _by_payload(client: Any, happened: PublishedEvent[OrderShipped]) -> None: ...


async def _by_any(client: Any, happened: AnyEvent) -> None: ...


@pytest.mark.parametrize("function", [_by_name, _by_the_second_name, _by_annotation, _by_class, _by_payload, _by_any])
@pytest.mark.parametrize("mark", [on("Order", DocCreated), consumer("search", "*")])
def test_parameters_in_another_order_are_refused(mark: Any, function: Any) -> None:
    """They are given by place, so each would get the other's value."""

    @wraps(function)
    async def copy(*arguments: Any) -> None: ...

    assert_names(_find_error(mark(copy)), function.__name__, "event, documents")


async def _plain(happened: Any, client: Any) -> None: ...


async def _annotated(happened: DocCreated, client: Documents) -> None: ...


@pytest.mark.parametrize("function", [_plain, _annotated])
def test_parameters_may_have_any_name(function: Any) -> None:
    assert _compiled(on("Order", DocCreated)(function)).consumers["shop.handlers"].functions


def test_two_consumers_of_one_name_are_refused() -> None:
    two = [consumer("search", "*")(_handler()) for _ in range(2)]
    assert_names(_find_error(*two), "consumer 'search'")


def test_sensitive_fields_are_left_out_of_what_is_stored() -> None:
    class Part(BaseModel):
        name: str
        code: str = Field(default="", sensitive=True)

    class Whole(BaseModel):
        id: UUID
        part: Part
        parts: list[Part]
        named: dict[str, Part | None]
        code: str = Field(default="", sensitive=True)

    part = Part(name="p", code="secret")
    whole = Whole(id=UUID(int=7), part=part, parts=[part, part], named={"a": part, "b": None}, code="secret")
    shown = {"name": "p"}
    assert dump_payload(whole) == {
        "id": str(UUID(int=7)), "part": shown, "parts": [shown, shown], "named": {"a": shown, "b": None},
    }  # fmt: skip


@pytest.mark.parametrize("name", ["shop.order_shipped", "doc.created", "a.b.c"])
def test_dotted_names_are_event_types(name: str) -> None:
    assert is_event_type(name) and is_pattern(name) and is_pattern(f"{name}:Order")


@pytest.mark.parametrize(
    "name", ["shipped", "shop.", ".shop", "Shop.sent", "shop.sent:", "shop sent", "*", "shop.*", ""]
)
def test_others_are_not(name: str) -> None:
    assert not is_event_type(name)
