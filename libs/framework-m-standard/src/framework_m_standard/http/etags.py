"""Entity tags: equal ones stand for equal bytes, whoever asks and whichever process answers.

A document's is `"<id>-<version>-<fingerprint>"`, by what decided which fields its caller is served; where its bytes
depend on more, their digest stands in place of the fingerprint. Everything else has the digest alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from framework_m_core.domain.doctype import VERSION_FIELD
from framework_m_core.services.projection import Served
from framework_m_standard.http.paths import uuid_or_none

__all__ = ["IfMatch", "content_etag", "document_etag", "is_known", "parse_if_match"]

_TAG = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_STATE = re.compile(r"([0-9a-f-]{36})-([1-9][0-9]{0,17})(?:-[0-9a-z]+)*", re.ASCII | re.IGNORECASE)
"""Of a document's tag: whatever follows its id and version, such as what a proxy adds when it compresses."""


@dataclass(frozen=True, slots=True)
class IfMatch:
    """An `If-Match`: any version (`*`), or the versions of documents that its strong tags name."""

    anything: bool
    versions: tuple[tuple[UUID, int], ...] = ()


def document_etag(document: Served, body: bytes) -> str:
    """The tag of a document as served; its body is looked at where it has no fingerprint."""
    return f'"{document["id"]}-{document[VERSION_FIELD]}-{document.fingerprint or _digest(body)}"'


def content_etag(body: bytes) -> str:
    """The tag of what is no document."""
    return f'"{_digest(body)}"'


def is_known(headers: Mapping[bytes, bytes], etag: str) -> bool:
    """Whether the client of a read has what it asks for, by `If-None-Match`; compares weakly."""
    header = headers.get(b"if-none-match")
    if header is None:
        return False
    if header.strip() == b"*":
        return True
    wanted = etag.encode("ascii")
    return any(tag == wanted for _, tag in _TAG.findall(header))


def parse_if_match(header: bytes | None) -> IfMatch | None:
    """The header's meaning; weak tags and tags that are not a document's match nothing."""
    if header is None:
        return None
    if header.strip() == b"*":
        return IfMatch(anything=True)
    tags = [_version(tag.decode("latin-1")) for weak, tag in _TAG.findall(header) if not weak]
    return IfMatch(anything=False, versions=tuple(tag for tag in tags if tag is not None))


def _version(tag: str) -> tuple[UUID, int] | None:
    found = _STATE.fullmatch(tag[1:-1])
    document = uuid_or_none(found[1]) if found else None
    return (document, int(found[2])) if found and document else None


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()[:32]
