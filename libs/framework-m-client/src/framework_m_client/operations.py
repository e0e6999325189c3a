"""The operations of the API as values: what to send, how to read the response, and whether it may be repeated."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal, TypedDict, Unpack
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx

from framework_m_client.errors import UnexpectedResponseError
from framework_m_client.filters import Filters, encode_filters
from framework_m_client.json_values import encode, fields_of
from framework_m_client.models import Decoder

__all__ = [
    "IDEMPOTENCY_KEY",
    "Call",
    "DocTypeCalls",
    "ListQuery",
    "Page",
    "Repeat",
    "SelectQuery",
    "build_function_call",
    "json_of",
]

IDEMPOTENCY_KEY: Final = "idempotency-key"


_MAX_QUERY: Final = 1500
"""Characters of filters in a URL; longer ones go into the body of a search, since proxies limit URLs."""


class Repeat(Enum):
    """When a request may be sent again without an answer to the first one."""

    ALWAYS = "always"
    WITH_KEY = "with_key"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Call[T]:
    """A request, and how to read its response."""

    method: str
    path: str
    parse: Callable[[httpx.Response], T]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeat: Repeat = Repeat.ALWAYS
    authenticated: bool = True


@dataclass(frozen=True, slots=True)
class Page[T]:
    """A page of documents; `total` is counted on request only."""

    items: Sequence[T]
    total: int | None
    has_more: bool
    next_cursor: str | None
    truncated_by: Literal["bytes"] | None = None


class SelectQuery(TypedDict, total=False):
    """Which documents, in which order, with which fields."""

    filters: Filters
    order_by: Sequence[str]
    fields: Sequence[str]
    expand: Sequence[str]
    include_deleted: bool
    titles: bool
    default_filters: bool


class ListQuery(SelectQuery, total=False):
    """A page of a selection."""

    limit: int
    offset: int
    cursor: str
    count: Literal["none", "exact"]


class DocTypeCalls[T]:
    """The calls about the documents of a DocType."""

    def __init__(self, doctype: str, decode: Decoder[T]) -> None:
        self._doctype = doctype
        self._path = f"/api/v1/{_segment(doctype)}"
        self._decode = decode

    def get(self, reference: object, fields: Sequence[str], expand: Sequence[str], titles: bool) -> Call[T]:
        """Read a document."""
        names = {"fields": ",".join(fields), "expand": ",".join(expand), "titles": "true" if titles else ""}
        return Call("GET", self._path_of(reference), self._document, {key: text for key, text in names.items() if text})

    def list(self, **query: Unpack[ListQuery]) -> Call[Page[T]]:
        """Read a page by a query that URLs can carry, else by a search."""
        text = {name: _query_text(name, value) for name, value in query.items()}
        if sum(map(len, text.values())) > _MAX_QUERY:
            return self.search(**query)
        return Call("GET", self._path, self._page, text)

    def search(self, **query: Unpack[ListQuery]) -> Call[Page[T]]:
        """Read a page; its parameters stand in the body."""
        return Call("POST", f"{self._path}/search", self._page, body=_search_body(query))

    def search_raw(self, **query: Unpack[ListQuery]) -> Call[Page[Mapping[str, Any]]]:
        """Read a page of documents as served."""
        return Call("POST", f"{self._path}/search", _raw_page, body=_search_body(query))

    def decode(self, document: Mapping[str, Any]) -> T:
        """Make the caller's type of a served document."""
        return self._decode(document)

    def create(self, document: object, key: str | None) -> Call[T]:
        """Create a document."""
        return self._write("POST", self._path, fields_of(document), key)

    def compute(self, data: object, reference: object, seq: int | None) -> Call[Mapping[str, Any]]:
        """Compute the values of a form."""
        named = {} if reference is None else {"id": _identify(reference)[0]}
        counted = {} if seq is None else {"seq": seq}
        return Call("POST", f"{self._path}/compute", json_of, body={**named, "data": fields_of(data), **counted})

    def duplicate(self, reference: object, changes: object, key: str | None) -> Call[T]:
        """Create a copy of a document."""
        return self._write("POST", f"{self._path_of(reference)}/duplicate", fields_of(changes), key)

    def update(self, reference: object, changes: object, version: int | None, key: str | None) -> Call[T]:
        """Merge changes into a document."""
        body = fields_of(changes) | _stated_version(reference, version)
        return self._write("PATCH", self._path_of(reference), body, key)

    def change_status(self, word: str, reference: object, version: int | None, key: str | None) -> Call[T]:
        """Submit or cancel a document."""
        return self._write("POST", f"{self._path_of(reference)}/{word}", _stated_version(reference, version), key)

    def amend(self, reference: object, changes: object, version: int | None, key: str | None) -> Call[T]:
        """Create a draft in place of a cancelled document."""
        body = fields_of(changes) | _stated_version(reference, version)
        return self._write("POST", f"{self._path_of(reference)}/amend", body, key)

    def rename(self, reference: object, name: str, version: int | None, key: str | None) -> Call[T]:
        """Give a document another name."""
        body = {"name": name, **_stated_version(reference, version)}
        return self._write("POST", f"{self._path_of(reference)}/rename", body, key)

    def delete(self, reference: object, version: int | None, hard: bool, key: str | None) -> Call[None]:
        """Delete a document."""
        ident, stated = _identify(reference)
        headers = _key(key)
        if (version := version if version is not None else stated) is not None:
            headers["if-match"] = f'"{_uuid(ident)}-{version}"'
        query = {"hard": "true"} if hard else {}
        path = self._path_of(reference)
        return Call("DELETE", path, _nothing, query, headers=headers, repeat=Repeat.WITH_KEY)

    def method(self, name: str, arguments: Mapping[str, Any], document: object | None, repeatable: bool) -> Call[Any]:
        """Call a method of the DocType, of one document or of none."""
        target = {} if document is None else {"doc_id": _identify(document)[0]}
        return _rpc(f"{_segment(self._doctype)}/{_segment(name)}", {**arguments, **target}, repeatable)

    def _write(self, method: str, path: str, body: Mapping[str, Any], key: str | None) -> Call[T]:
        return Call(method, path, self._document, body=body, headers=_key(key), repeat=Repeat.WITH_KEY)

    def _path_of(self, reference: object) -> str:
        return f"{self._path}/{_segment(_identify(reference)[0])}"

    def _document(self, response: httpx.Response) -> T:
        return self._decode(json_of(response))

    def _page(self, response: httpx.Response) -> Page[T]:
        raw = _raw_page(response)
        return Page([*map(self._decode, raw.items)], raw.total, raw.has_more, raw.next_cursor, raw.truncated_by)


def build_function_call(path: str, arguments: Mapping[str, Any], repeatable: bool) -> Call[Any]:
    """Call a function by its declared path."""
    return _rpc(f"fn/{_segment(path)}", arguments, repeatable)


def json_of(response: httpx.Response) -> Any:
    """Return the JSON of a response. Raises UnexpectedResponseError."""
    try:
        return json.loads(response.content)
    except ValueError:
        start = response.text[:80]
        raise UnexpectedResponseError(f"expected JSON from {response.url}, got {start!r}: check the address") from None


def _rpc(path: str, arguments: Mapping[str, Any], repeatable: bool) -> Call[Any]:
    repeat = Repeat.ALWAYS if repeatable else Repeat.NEVER
    return Call("POST", f"/api/v1/rpc/{path}", _result, body=arguments, repeat=repeat)


def _result(response: httpx.Response) -> Any:
    return json_of(response)["result"]


def _nothing(_: httpx.Response) -> None:
    return None


def _raw_page(response: httpx.Response) -> Page[Mapping[str, Any]]:
    page = json_of(response)
    return Page(page["items"], page["total"], page["has_more"], page["next_cursor"], page.get("truncated_by"))


def _search_body(query: ListQuery) -> dict[str, Any]:
    body: dict[str, Any] = dict(query)
    if "filters" in query:
        body["filters"] = encode_filters(query["filters"])
    return body


def _query_text(name: str, value: Any) -> str:
    if name == "filters":
        return encode(encode_filters(value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | str) else ",".join(value)


def _segment(text: str) -> str:
    return quote(text, safe="")


def _key(given: str | None) -> dict[str, str]:
    return {IDEMPOTENCY_KEY: given or uuid4().hex}


def _identify(reference: object) -> tuple[str, int | None]:
    """Return the id or name of a document, and its version if the document itself is given."""
    if isinstance(reference, str | UUID):
        return str(reference), None
    fields = fields_of(reference)
    if "id" not in fields:
        raise ValueError("expected a document with its id, got one without: give its id or name instead")
    return str(fields["id"]), fields.get("_version")


def _stated_version(reference: object, version: int | None) -> dict[str, int]:
    stated = version if version is not None else _identify(reference)[1]
    return {} if stated is None else {"_version": stated}


def _uuid(ident: str) -> UUID:
    try:
        return UUID(ident)
    except ValueError:
        raise ValueError(f"expected the id of the document beside its version, got the name {ident!r}") from None
