"""Entity tags and the conditions that name them: equal tags stand for equal bytes, whoever asks and whoever answers.

A document's is `"<id>-<version>-<fingerprint>"`, by what decided which fields its caller is served; where its bytes
depend on more, their digest stands in place of the fingerprint. Everything else has the digest alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.errors import PreconditionFailedError
from framework_m_core.services.queries.projection import Served
from framework_m_standard.http.wire.paths import uuid_or_none

__all__ = [
    "NamedVersions",
    "WriteConditions",
    "content_etag",
    "document_etag",
    "not_modified",
    "write_conditions",
]

_TAG = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_STATE = re.compile(r"([0-9a-f-]{36})-([1-9][0-9]{0,17})(?:-[0-9a-z]+)*", re.ASCII | re.IGNORECASE)
"""Of a document's tag: whatever follows its id and version, such as what a proxy adds when it compresses."""


@dataclass(frozen=True, slots=True)
class NamedVersions:
    """What a condition names: any version (`*`), or those of documents; tags of anything else name none."""

    anything: bool
    versions: tuple[tuple[UUID, int], ...] = ()

    def __contains__(self, version: tuple[UUID, int]) -> bool:
        return self.anything or version in self.versions


@dataclass(frozen=True, slots=True)
class WriteConditions:
    """The conditions of a write: which versions of the document it is for, and for which it is not."""

    match: NamedVersions | None
    none_match: NamedVersions | None

    def hold(self, document: UUID, version: int) -> bool:
        """Whether the document may be written as it is stored."""
        state = (document, version)
        return (self.match is None or state in self.match) and (self.none_match is None or state not in self.none_match)


def document_etag(document: Served, body: bytes) -> str:
    """The tag of a document as served; its body is looked at where it has no fingerprint."""
    return f'"{document["id"]}-{document[VERSION_FIELD]}-{document.fingerprint or _digest(body)}"'


def content_etag(body: bytes) -> str:
    """The tag of what is no document."""
    return f'"{_digest(body)}"'


def not_modified(headers: Mapping[bytes, bytes], etag: str) -> bool:
    """Whether the client of a read has what it asks for, by the conditions in their order (RFC 9110, 13.2.2).

    Raises PreconditionFailedError for an `If-Match` that does not hold.
    """
    wanted = headers.get(b"if-match")
    if wanted is not None and not _names(wanted, etag, by_version=True):
        raise PreconditionFailedError("If-Match holds no ETag of what is here now: leave it out, and see what is")
    known = headers.get(b"if-none-match")
    return known is not None and _names(known, etag, by_version=False)


def write_conditions(headers: Mapping[bytes, bytes]) -> WriteConditions | None:
    """The conditions of a write. Both go by id and version: what of a document was shown decides about no write."""
    match, none_match = headers.get(b"if-match"), headers.get(b"if-none-match")
    if match is None and none_match is None:
        return None
    return WriteConditions(_named_versions(match), _named_versions(none_match))


def _names(header: bytes, etag: str, *, by_version: bool) -> bool:
    """Whether a header names a tag. Weakly: proxies weaken tags when they compress."""
    if header.strip() == b"*":
        return True
    tags = [tag.decode("latin-1") for tag in _TAG.findall(header)]
    state = _version(etag) if by_version else None
    return etag in tags or (state is not None and any(_version(tag) == state for tag in tags))


def _named_versions(header: bytes | None) -> NamedVersions | None:
    if header is None:
        return None
    if header.strip() == b"*":
        return NamedVersions(anything=True)
    versions = [_version(tag.decode("latin-1")) for tag in _TAG.findall(header)]
    return NamedVersions(anything=False, versions=tuple(version for version in versions if version is not None))


def _version(tag: str) -> tuple[UUID, int] | None:
    found = _STATE.fullmatch(tag[1:-1])
    document = uuid_or_none(found[1]) if found else None
    return (document, int(found[2])) if found and document else None


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()[:32]
