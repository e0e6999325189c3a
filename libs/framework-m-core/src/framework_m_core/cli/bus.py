"""`m events bus`: what groups of the event bus have parked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

from cyclopts import App, Parameter

from framework_m_core.bootstrap.application import open_application
from framework_m_core.cli.tables import print_table
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.event_bus import EventBusProtocol, ParkedDelivery

__all__ = ["EventId", "Group", "app", "drop", "parked", "retry"]

app = App(name="bus", help="What groups of the event bus have parked, if it is one that stores events.")

type Group = Annotated[str, Parameter(help="The name with which a subscriber has subscribed.")]
type EventId = Annotated[UUID | None, Parameter(help="The event with this id alone.")]

_MAX_SHOWN = 100


@app.command
def parked(group: Group, /) -> None:
    """List parked events of a group, the oldest first, with their id, the time and the last error.

    For example:
      m events bus parked search
    """

    async def show(bus: EventBusProtocol) -> None:
        found = await bus.read_parked(group, _MAX_SHOWN)
        if not found:
            print(f"no event is parked for {group}")
        print_table(map(_line, found))
        if len(found) == _MAX_SHOWN:
            print(f"only the first {_MAX_SHOWN} are shown")

    _run(show)


@app.command
def retry(group: Group, event_id: EventId = None, /) -> None:
    """Have parked events of a group delivered once more, by the process that delivers to it.

    For example:
      m events bus retry search
      m events bus retry search 01890000-0000-7000-8000-000000000000
    """

    async def work(bus: EventBusProtocol) -> None:
        print(f"{_count(await bus.retry(group, event_id))} of {group} will be delivered once more")

    _run(work)


@app.command
def drop(
    group: Group,
    event_id: EventId = None,
    /,
    *,
    every: Annotated[bool, Parameter(name="--all", negative="", help="Drop everything that is parked.")] = False,
) -> None:
    """Forget parked events of a group: it never gets them. Other groups are not affected.

    For example:
      m events bus drop search 01890000-0000-7000-8000-000000000000
      m events bus drop search --all
    """
    if every == (event_id is not None):
        raise ConfigurationError("expected the id of an event, or --all")

    async def work(bus: EventBusProtocol) -> None:
        print(f"{_count(await bus.drop(group, event_id))} of {group} dropped")

    _run(work)


def _line(one: ParkedDelivery) -> tuple[str, ...]:
    parked_at = one.parked_at.isoformat(timespec="seconds")
    return str(one.event_id), parked_at, one.topic, one.key, f"{one.attempts} attempts", one.error


def _count(number: int) -> str:
    return f"{number} event{'s' * (number != 1)}"


def _run(work: Callable[[EventBusProtocol], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with open_application() as application:
            await work(application.container.get("event_bus"))

    asyncio.run(opened())
