"""`@write_stage`: marks a function to run at a named place in the writes of documents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from framework_m_core.controllers.controller import Documents
from framework_m_core.controllers.declaration import Registrar, declare
from framework_m_core.domain.context import RequestContext

__all__ = ["WRITE_OPERATIONS", "StageFunction", "StageMark", "Write", "WriteOperation", "write_stage"]

type WriteOperation = Literal["create", "update", "submit", "cancel", "delete", "restore"]

WRITE_OPERATIONS: Final[tuple[WriteOperation, ...]] = get_args(WriteOperation.__value__)

type StageFunction = Callable[..., Awaitable[None]]
"""Called with the `Write`, and with the ports that its parameters are annotated with, by name."""


@dataclass(frozen=True, slots=True)
class Write:
    """A write in progress, as a stage sees it.

    `stored` is the document as it is stored, None for a create; `document` is what the write makes of it. Changes to
    `document` count in stages before `validate`, and not in a delete. `documents` and `context` join the write's unit
    of work. `action` is the permission that the caller needed: a permanent delete is the action `purge`,
    and the creation of an amendment `amend`.
    """

    operation: WriteOperation
    action: str
    doctype: str
    stored: Any
    document: Any
    context: RequestContext
    documents: Documents


@dataclass(frozen=True, slots=True)
class StageMark:
    """The declaration that `@write_stage` attaches: a stage's name, and where and when it runs."""

    name: str
    before: str | None
    after: str | None
    operations: tuple[str, ...]
    doctypes: tuple[str, ...] | None

    def register(self, registrar: Registrar, declared: StageFunction, app: str) -> None:
        """Register the function as a stage of writes."""
        registrar.add_write_stage(declared)


def write_stage(
    name: str,
    *,
    before: str | None = None,
    after: str | None = None,
    operations: Collection[str] = WRITE_OPERATIONS,
    doctypes: Collection[str] | None = None,
) -> Callable[[StageFunction], StageFunction]:
    """Run the function directly before or after a named stage, inside the unit of work of each write.

    `before` or `after` names a stage of the framework or of a package. `doctypes` are names; None means all. If the
    function raises, the whole write rolls back. A store conflict may run it again on a fresh copy.

    >>> @write_stage("library.title", before="validate", operations=["create", "update"], doctypes=["Book"])
    ... async def trim_title(write: Write) -> None:
    ...     write.document.title = write.document.title.strip()
    """

    def mark(function: StageFunction) -> StageFunction:
        named = None if doctypes is None else _names(doctypes)
        return declare(function, StageMark(name, before, after, _names(operations), named))

    return mark


def _names(given: Collection[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
