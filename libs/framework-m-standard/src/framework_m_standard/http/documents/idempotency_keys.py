"""`Idempotency-Key` on document writes: a request repeated within a day gets the first response again."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from framework_m_core.domain.context import RequestContext
from framework_m_core.domain.errors import FieldError, ValidationError
from framework_m_core.interfaces.idempotency import StoredResponse
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.documents.writing.runner import IdempotentWrite
from framework_m_core.services.rows.projection import Served
from framework_m_standard.http.wire.asgi import RequestState
from framework_m_standard.http.wire.responses import JSON, PRIVATE, RawResponse

__all__ = ["HEADER", "Render", "make_idempotent", "replay"]

HEADER: Final = b"idempotency-key"

_KEPT_FOR: Final = timedelta(hours=24)
_KEY = re.compile(rb"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")

type Render = Callable[[Any], RawResponse]


def make_idempotent(
    state: RequestState, plan: CompiledDocType, method: str, target: bytes, body: bytes, render: Render
) -> IdempotentWrite | None:
    """Return the idempotency of a write if the request has a key; `target` is the path with its query.

    Sensitive values are not kept: they are missing in the response to a repetition, and with them the ETag.

    Raises ValidationError for a malformed key, and for a key sent by an anonymous caller.
    """
    key = state.headers.get(HEADER)
    if key is None:
        return None
    context = state.context
    if _KEY.fullmatch(key) is None:
        raise _refused("bad_key", "expected 1 to 255 printable ASCII characters")
    if context.principal.is_anonymous:
        raise _refused("not_for_anonymous", "keys are stored per user: log in, or omit the key")
    fingerprint = _fingerprint(context, method, target, key)

    def to_response(document: Served | None) -> StoredResponse:
        status, content, headers = render(document)
        named = {name: value.decode("latin-1") for name, value in headers}
        if document is not None and (kept := _without_sensitive(plan, document)) is not document:
            whole, content = content, render(kept).body
            if content != whole:
                del named[b"etag"]
        expires = context.clock() + _KEPT_FOR
        etag, location = named.get(b"etag"), named.get(b"location")
        return StoredResponse(fingerprint, digest, status, content, etag, location, expires)

    digest = sha256(body).hexdigest()
    return IdempotentWrite(fingerprint, digest, to_response)


def replay(stored: StoredResponse) -> RawResponse:
    """Return the stored response."""
    named = ((b"etag", stored.etag), (b"location", stored.location))
    kept = [(name, value.encode("latin-1")) for name, value in named if value is not None]
    return RawResponse(stored.status, stored.body, (*((JSON, *PRIVATE) if stored.body else ()), *kept))


def _without_sensitive(plan: CompiledDocType, document: Served) -> Served:
    """Return the document if none of its fields is sensitive, or else a copy without sensitive values."""
    rows = {name: child.sensitive for name, child in plan.children.items() if child.sensitive and document.get(name)}
    if not rows and plan.sensitive.isdisjoint(document):
        return document
    kept = Served(_kept(document, plan.sensitive))
    for name, sensitive in rows.items():
        kept[name] = [_kept(row, sensitive) for row in document[name]]
    kept.fingerprint = document.fingerprint
    return kept


def _kept(values: Mapping[str, Any], sensitive: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is None or name not in sensitive}


def _fingerprint(context: RequestContext, method: str, target: bytes, key: bytes) -> str:
    """Return a digest of tenant, user, roles, attributes, method, target and key.

    Roles and attributes are included because a stored response may only go to a caller who may still see it.
    """
    principal = context.principal
    roles = "\t".join(sorted(principal.roles))
    attributes = sorted(f"{name}={values!r}" for name, values in principal.attributes.items())
    who = f"{context.tenant or ''}\n{principal.id}\n{roles}\n{attributes}\n{method}\n".encode()
    return sha256(who + target + b"\n" + key).hexdigest()


def _refused(code: str, message: str) -> ValidationError:
    return ValidationError("the Idempotency-Key cannot be used", [FieldError("Idempotency-Key", code, message)])
