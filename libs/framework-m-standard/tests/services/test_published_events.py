"""Events of an app's own types on each store: stored with the write or not at all, and read as what they were."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from framework_m import AnyEvent, Documents, Field, PublishedEvent, consumer, event_type, on
from framework_m_core.domain.clock import system_clock
from framework_m_core.domain.errors import ConfigurationError, TransientError, ValidationError
from framework_m_core.domain.events import StoredEvent
from framework_m_core.registry.registry import Registry
from framework_m_core.services.events import delivery as delivery_module
from framework_m_core.services.events.delivery import EventDelivery
from framework_m_core.services.events.dispatch import EventDispatch
from framework_m_core.services.events.limits import EventLimits
from framework_m_core.services.events.registration import ConsumerRegistration
from framework_m_core.services.runtime.injection import Injector
from framework_m_standard.memory.event_bus import MemoryEventBus
from framework_m_testing.deliveries import drain_all
from tests.errors import assert_names

from .orders import Hooks, order_builder
from .wiring import CONTEXT, Wired, wired

HANDLED: list[PublishedEvent[Any]] = []
EVERYTHING: list[str] = []


class Box(BaseModel):
    """A part of a payload with something that is not told."""

    weight: Decimal
    lock: str = Field(default="", sensitive=True)


@event_type("orders.order_shipped", doctype="Order", key="order")
class OrderShipped(BaseModel):
    order: UUID
    at: datetime
    boxes: list[Box] = []
    pickup_code: str = Field(default="unknown", sensitive=True)


@event_type("orders.day_closed")
class DayClosed(BaseModel):
    number: int = 0
    text: str = ""


class NotDeclared(BaseModel):
    number: int = 0


class Shipped(OrderShipped):
    """Not declared either: it inherits the model, not the declaration."""


@on(OrderShipped)
async def handle(event: PublishedEvent[OrderShipped], documents: Documents) -> None:
    HANDLED.append(event)


@consumer("everything", "*")
async def note(event: AnyEvent, documents: Documents) -> None:
    EVERYTHING.append(event.topic)


def _registry() -> Registry:
    builder = order_builder()
    for model in (OrderShipped, DayClosed):
        builder.add_event_type(model, "orders")
    builder.add_handler(handle, "orders")
    builder.add_consumer(note)
    return builder.freeze()


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Wired]:
    """Orders with events of their own."""
    HANDLED.clear()
    EVERYTHING.clear()
    async with wired(database_url, _registry()) as opened:
        yield opened


def _shipped(order: Mapping[str, Any] | UUID, **values: Any) -> OrderShipped:
    id = order if isinstance(order, UUID) else order["id"]
    return OrderShipped(order=id, at=datetime(2026, 1, 31, 12, tzinfo=UTC), **values)


async def _stored(shop: Wired) -> list[StoredEvent]:
    events = (await shop.adapters.outbox.read(0, 1000, lambda _: True)).events
    return [event for event in events if not event.type.startswith("doc.")]


def _delivery(shop: Wired) -> EventDelivery:
    store = shop.adapters
    limits = EventLimits(10, 4, retention=timedelta(days=7))
    dispatch = EventDispatch(store.registry_handle, shop.documents, store.consumers, system_clock, Injector({}), limits)
    registration = ConsumerRegistration(store.registry_handle, store.consumers, MemoryEventBus(), system_clock)
    return EventDelivery(dispatch, store.outbox, store.consumers, registration, system_clock, limits)


async def test_a_hook_publishes_in_the_unit_of_its_write(shop: Wired, hooks: Hooks) -> None:
    async def ship(order: Any) -> None:
        await order.documents.publish(
            _shipped(order.doc.id, boxes=[Box(weight=Decimal("1.50"), lock="l")], pickup_code="p")
        )

    hooks["after_insert"] = ship
    made = await shop.create("Order")
    (event,) = await _stored(shop)
    assert (event.type, event.topic, event.key, event.actor) == (
        "orders.order_shipped",
        "orders.order_shipped:Order",
        str(made["id"]),
        "tester",
    )
    assert event.correlation_id == CONTEXT.request_id
    assert event.data == {"order": str(made["id"]), "at": "2026-01-31T12:00:00Z", "boxes": [{"weight": "1.50"}]}
    await drain_all(_delivery(shop))
    (handled,) = HANDLED
    assert handled.payload == _shipped(made, boxes=[Box(weight=Decimal("1.50"))])
    assert (handled.id, handled.type, handled.data) == (event.id, event.type, event.data)
    assert EVERYTHING == ["doc.created:Order", "orders.order_shipped:Order"]


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (TransientError("the store is away"), "could not register consumers, retrying: the store is away"),
        (ZeroDivisionError("a bug"), "event delivery failed, retrying"),
    ],
)
async def test_an_error_of_registration_is_logged_and_delivery_goes_on(
    shop: Wired, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, logged: str
) -> None:
    register, errors = shop.adapters.consumers.register, [error, error]

    async def fails_first(*arguments: Any) -> None:
        if errors:
            raise errors.pop()
        await register(*arguments)

    monkeypatch.setattr(shop.adapters.consumers, "register", fails_first)
    monkeypatch.setattr(delivery_module, "POLL_SECONDS", 0.01)
    await shop.create("Order")
    delivery = _delivery(shop)
    running = asyncio.create_task(delivery.run())
    async with asyncio.timeout(10):
        # A handler tells nobody, so its list is asked.
        while not EVERYTHING:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    delivery.stop()
    await running
    assert EVERYTHING == ["doc.created:Order"]
    assert [record.getMessage() for record in caplog.records].count(logged) == 2


async def test_what_is_rolled_back_has_not_been_published(shop: Wired, hooks: Hooks) -> None:
    async def fails(order: Any) -> None:
        await order.documents.publish(DayClosed())
        raise ZeroDivisionError

    hooks["after_insert"] = fails
    with pytest.raises(ZeroDivisionError):
        await shop.create("Order")
    assert await _stored(shop) == []


async def test_outside_a_unit_it_is_one_of_its_own(shop: Wired) -> None:
    client = shop.documents.client_for(CONTEXT)
    first, second = await client.publish(DayClosed(number=1)), await client.publish(DayClosed(number=2), key="days")
    events = await _stored(shop)
    assert [(event.id, event.key, event.topic, event.data["number"]) for event in events] == [
        (first, str(first), "orders.day_closed", 1),
        (second, "days", "orders.day_closed", 2),
    ]


@pytest.mark.parametrize("payload", [NotDeclared(), {"number": 1}, _shipped(UUID(int=1)).model_copy(), None])
async def test_what_is_not_declared_is_refused_at_once(shop: Wired, payload: Any) -> None:
    if isinstance(payload, OrderShipped):
        payload = Shipped(**payload.model_dump())
    with pytest.raises(ConfigurationError) as refused:
        await shop.documents.client_for(CONTEXT).publish(payload)
    assert_names(refused.value, "@event_type", type(payload).__name__)
    assert await _stored(shop) == []


@pytest.mark.parametrize(
    "payload",
    [DayClosed.model_construct(number="many"), DayClosed(number=10**400), DayClosed(text="a\0b")],
    ids=["not valid", "too large", "not storable"],
)
async def test_a_payload_that_cannot_be_stored_is_refused(shop: Wired, payload: DayClosed) -> None:
    with pytest.raises(ValidationError) as refused:
        await shop.documents.client_for(CONTEXT).publish(payload)
    assert_names(refused.value, "payload of orders.day_closed")
    assert await _stored(shop) == []


async def test_what_the_model_no_longer_accepts_is_kept_and_tried_again(
    shop: Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.documents.client_for(CONTEXT).publish(DayClosed(number=1))
    delivery = _delivery(shop)
    with monkeypatch.context() as patch:
        patch.setattr(DayClosed, "model_validate", classmethod(lambda _, data: NotDeclared.model_validate("x")))
        await drain_all(delivery)
    assert EVERYTHING == []
    ((_, _),) = await shop.adapters.consumers.read_waiting("everything")
    assert list(await shop.adapters.consumers.read_waiting("orders.handlers")) == []
