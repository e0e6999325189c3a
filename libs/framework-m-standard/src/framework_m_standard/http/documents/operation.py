"""`Operation`: the complete description of one document route."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from framework_m_core.domain.documents.actions import ACTIONS
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_standard.http.wire.responses import RawResponse

__all__ = ["DOCUMENTS", "Handler", "Operation", "RequestSchema", "ResponseSchema"]

DOCUMENTS: Final = "/api/v1/"
"""The prefix of the path of every operation on documents."""

_TEMPLATE: Final = re.compile(r"\{doctype\}(/\{id\})?(/[a-z_]+)?")

type Handler = Callable[[Any, Any], Awaitable[RawResponse]]
"""A method of `DocumentActions`, called with the instance and the `Call`."""

type RequestSchema = Callable[[CompiledDocType], str]
type ResponseSchema = Callable[[CompiledDocType, Mapping[str, Grant]], str]
"""The name of a component schema; that of a response depends on the caller."""


def _always(_: CompiledDocType) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation on documents: dispatch, permission table, OpenAPI and `m routes` are derived from it.

    `path` is a template below `/api/v1/`: `{doctype}`, then optionally `{id}`, then optionally a word. `variant` is a
    query that requires another action; it is served by the operation of the same method and path. `other_action` is
    required in place of `action` if the body names a document; `lesser_action` suffices for a response that shows less.
    `summary` is a template, too. `query`, `headers` and `response_headers` name OpenAPI components. `body_limit` is in
    bytes and defaults to `[http] max_body_mb`. The first of `statuses` is the one of success.
    """

    name: str
    method: str
    path: str
    action: str
    handler: Handler
    summary: str
    statuses: tuple[int, ...] = (200,)
    errors: tuple[int, ...] = ()
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    request: RequestSchema | None = None
    request_required: bool = False
    response: ResponseSchema | None = None
    response_headers: tuple[str, ...] = ()
    body_limit: int | None = None
    other_action: str = ""
    lesser_action: str = ""
    serves: Callable[[CompiledDocType], bool] = _always
    variant: str = ""

    def __post_init__(self) -> None:
        if _TEMPLATE.fullmatch(self.path) is None:
            expected = "a path such as '{doctype}/{id}' or '{doctype}/search'"
            raise ValueError(f"operation {self.name!r}: expected {expected}, got {self.path!r}")
        if self.action not in ACTIONS:
            raise ValueError(f"operation {self.name!r}: expected one of {', '.join(ACTIONS)}, got {self.action!r}")

    @property
    def template(self) -> str:
        """The full path template."""
        return DOCUMENTS + self.path

    @property
    def names_document(self) -> bool:
        """True if the path contains the `{id}` of a document."""
        return "{id}" in self.path

    def format_summary(self, doctype: str) -> str:
        """Return the summary of the operation on one DocType."""
        return self.summary.format(doctype=doctype)

    @property
    def word(self) -> str:
        """The last segment of the path if it is a word, else an empty string."""
        last = self.path.rpartition("/")[2]
        return "" if last.startswith("{") else last
