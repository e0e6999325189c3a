"""`Action`: what a permission allows. The framework has its own; packages and apps add theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["ACTIONS", "KERNEL_ACTIONS", "Action", "check_action"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Action:
    """Something that roles may be permitted to do with the documents of a DocType.

    A method that requires an action which `changes` its document locks that document.
    """

    name: str
    label: str | None = None
    changes: bool = True

    @property
    def title(self) -> str:
        """The label, or else the name in words."""
        return self.label or self.name.replace("_", " ").capitalize()


KERNEL_ACTIONS: Final = (
    Action("read", changes=False),
    Action("select", changes=False),
    Action("write"),
    Action("create"),
    Action("delete"),
    Action("purge"),
    Action("submit"),
    Action("cancel"),
    Action("amend"),
)
"""The actions that the framework itself requires, in the order in which they are shown."""

ACTIONS: Final = tuple(action.name for action in KERNEL_ACTIONS)


def check_action(action: Action) -> Iterator[str]:
    """Yield an error for a name that an action cannot have."""
    if not _NAME.fullmatch(action.name):
        yield f"{action.name!r}: expected a verb in lower case of at most 40 characters, such as approve"
    if action.name in ACTIONS:
        yield f"{action.name!r} is an action of the framework: choose another name"
