"""`m events`: the consumers of events, and what they have parked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from framework_m_core.bootstrap.application import open_application
from framework_m_core.cli.bus import app as bus
from framework_m_core.cli.tables import print_table
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.interfaces.consumers import ConsumersProtocol, ConsumerState
from framework_m_core.services.events.turn import LEASE

__all__ = ["Name", "app", "parked", "remove", "retry", "show_consumers"]

app = App(name="events", help="The consumers of events, and what they have parked.")
app.command(bus)

type Name = Annotated[str, Parameter(help="A consumer's name, as m events consumers shows it.")]

_MAX_SHOWN = 100
_LAST_POSITION = 2**63 - 1


@app.command(name="consumers")
def show_consumers() -> None:
    """List the consumers: what they want, whether one runs, what waits since when, and what is parked.

    For example:
      m events consumers
    """

    async def states(consumers: ConsumersProtocol, now: datetime) -> None:
        found = await consumers.read_states(now, LEASE)
        if not found:
            print("there are no consumers: no app declares @on or @consumer, and nobody listens to the bus")
        print_table(_line(one, now) for one in found)

    _run(states)


def _line(one: ConsumerState, now: datetime) -> tuple[str, ...]:
    waits = "waits for nothing" if one.waits_since is None else f"behind for {_span(one.waits_since, now)}"
    return (
        one.name,
        "runs" if one.leased else "does not run",
        waits,
        f"{one.waiting} set aside",
        f"{one.parked} parked",
        ", ".join(one.interest.patterns),
    )


def _span(since: datetime, now: datetime) -> str:
    seconds = max(0, int((now - since).total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


@app.command
def parked(consumer: Annotated[str | None, Parameter(help="One consumer's events alone.")] = None, /) -> None:
    """List parked events, the oldest first, with their position and the last error.

    For example:
      m events parked
      m events parked shop.handlers
    """

    async def show(consumers: ConsumersProtocol, now: datetime) -> None:
        if consumer is not None:
            await _check_known(consumers, consumer, now)
        found = await consumers.read_parked(consumer, _MAX_SHOWN)
        if not found:
            print("no event is parked")
        print_table(
            (one.consumer, str(one.event.position), one.event.topic, one.event.key, one.error or "") for one in found
        )
        if len(found) == _MAX_SHOWN:
            print(f"only the first {_MAX_SHOWN} are shown")

    _run(show)


@app.command
def retry(
    consumer: Name,
    position: Annotated[
        int | None, Parameter(help="The event at this position alone.", validator=Number(gte=1, lte=_LAST_POSITION))
    ] = None,
    /,
) -> None:
    """Deliver failed events of a consumer now: those that are parked, and those that wait for their next attempt.

    Their failures are forgotten. Later events of their key follow them.

    For example:
      m events retry shop.handlers
      m events retry shop.handlers 1207
    """

    async def work(consumers: ConsumersProtocol, now: datetime) -> None:
        await _check_known(consumers, consumer, now)
        number = await consumers.retry(consumer, position)
        print(f"{number} event{'s' * (number != 1)} of {consumer} will be delivered now")

    _run(work)


@app.command
def remove(consumer: Name, /) -> None:
    """Remove a consumer that is no longer declared, with its progress, so that its events can be pruned.

    For example:
      m events remove acme_search
    """

    async def work(consumers: ConsumersProtocol, now: datetime) -> None:
        await _check_known(consumers, consumer, now)
        if any(one.name == consumer and one.leased for one in await consumers.read_states(now, LEASE)):
            raise ConfigurationError(f"the consumer {consumer!r} runs: expected one that no process declares")
        await consumers.remove(consumer)
        print(f"removed {consumer}")

    _run(work)


async def _check_known(consumers: ConsumersProtocol, name: str, now: datetime) -> None:
    known = [one.name for one in await consumers.read_states(now, LEASE)]
    if name not in known:
        meant = did_you_mean(name, known) or ": see m events consumers"
        raise ConfigurationError(f"there is no consumer {name!r}{meant}")


def _run(work: Callable[[ConsumersProtocol, datetime], Awaitable[None]]) -> None:
    async def opened() -> None:
        async with open_application() as application:
            await work(application.container.get("consumers"), application.container.get("clock")())

    asyncio.run(opened())
