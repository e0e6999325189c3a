"""`CompiledConsumer`: what a consumer wants and runs: an app's `@on` handlers, or one `@consumer` function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from framework_m_core.controllers.event_handler import EventHandler
from framework_m_core.domain.events import Interest

__all__ = ["BUS", "CompiledConsumer", "handlers_name_of"]

BUS: Final = "bus"
"""The consumer that feeds the event bus; stores keep the name, so it must not change."""


def handlers_name_of(app: str) -> str:
    """Return the name of the consumer that runs an app's handlers; stores keep it, so it must not change."""
    return f"{app}.handlers"


@dataclass(frozen=True, slots=True)
class CompiledConsumer:
    """A consumer by its name: the topics it wants, and the functions for each; `*` stands for all wanted topics."""

    name: str
    interest: Interest
    functions: Mapping[str, tuple[EventHandler, ...]]

    def find_functions(self, topic: str) -> tuple[EventHandler, ...]:
        """Return the functions to call for an event of this topic, in order of declaration."""
        if not self.interest.covers(topic):
            return ()
        return self.functions.get(topic) or self.functions.get("*", ())
