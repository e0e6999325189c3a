"""`Idempotency-Key` on document writes: the same request within a day gets its first answer again."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from framework_m_core.domain.context import RequestScope
from framework_m_core.domain.errors import FieldProblem, ValidationError
from framework_m_core.interfaces.idempotency import StoredAnswer
from framework_m_core.services.documents.service import Once
from framework_m_core.services.queries.projection import Served
from framework_m_standard.http.wire.asgi import Arrival
from framework_m_standard.http.wire.responses import JSON, PRIVATE, Answer

__all__ = ["HEADER", "replayed", "written_once"]

HEADER: Final = b"idempotency-key"

_KEPT_FOR: Final = timedelta(hours=24)
_KEY = re.compile(rb"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")

type Render = Callable[[Any], Answer]


def written_once(arrival: Arrival, method: str, target: bytes, body: bytes, render: Render) -> Once | None:
    """What makes a write happen once, where the request has a key; `target` is the path with its query."""
    key = arrival.headers.get(HEADER)
    if key is None:
        return None
    scope = arrival.scope
    if _KEY.fullmatch(key) is None:
        raise _refused("bad_key", "1 to 255 printable ASCII characters are expected")
    if scope.principal.is_anonymous:
        raise _refused("not_for_anonymous", "keys are kept per user: log in, or leave the key out")
    fingerprint = _fingerprint(scope, method, target, key)

    def answer(document: Served | None) -> StoredAnswer:
        status, content, headers = render(document)
        named = {name: value.decode("latin-1") for name, value in headers}
        expires = scope.clock() + _KEPT_FOR
        etag, location = named.get(b"etag"), named.get(b"location")
        return StoredAnswer(fingerprint, digest, status, content, etag, location, expires)

    digest = sha256(body).hexdigest()
    return Once(fingerprint, digest, answer)


def replayed(stored: StoredAnswer) -> Answer:
    """The first answer again."""
    named = ((b"etag", stored.etag), (b"location", stored.location))
    kept = [(name, value.encode("latin-1")) for name, value in named if value is not None]
    return Answer(stored.status, stored.body, (*((JSON, *PRIVATE) if stored.body else ()), *kept))


def _fingerprint(scope: RequestScope, method: str, target: bytes, key: bytes) -> str:
    """A digest over who, with which roles, where and which key: an answer is for those who may still see it."""
    roles = "\t".join(sorted(scope.principal.roles))
    who = f"{scope.tenant or ''}\n{scope.principal.id}\n{roles}\n{method}\n".encode()
    return sha256(who + target + b"\n" + key).hexdigest()


def _refused(code: str, message: str) -> ValidationError:
    return ValidationError("the Idempotency-Key cannot be used", [FieldProblem("Idempotency-Key", code, message)])
