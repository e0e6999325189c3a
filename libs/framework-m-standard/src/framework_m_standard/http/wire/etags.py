"""ETags and the conditions that name them: equal tags stand for equal bytes, for every caller and every worker.

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
from framework_m_core.services.rows.projection import Served
from framework_m_standard.http.wire.compression import without_coding
from framework_m_standard.http.wire.paths import parse_uuid

__all__ = [
    "NamedVersions",
    "WriteConditions",
    "compute_content_etag",
    "compute_document_etag",
    "find_current_etag",
    "write_conditions",
]

_TAG = re.compile(rb'(?:^|,)[ \t]*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?=,|$)')
"""One of a list (RFC 9110, 8.8.3); of what is not a list, no tag is read."""

_STATE = re.compile(r"([0-9a-f-]{36})-([1-9][0-9]{0,17})(?:-[0-9a-z]+)*", re.ASCII | re.IGNORECASE)
"""A document's tag. Anything may follow id and version, such as the suffix that a compressing proxy adds."""


@dataclass(frozen=True, slots=True)
class NamedVersions:
    """The versions that a condition names: any (`*`), or those of documents; other tags name none."""

    anything: bool
    versions: tuple[tuple[UUID, int], ...] = ()

    def __contains__(self, version: tuple[UUID, int]) -> bool:
        return self.anything or version in self.versions


@dataclass(frozen=True, slots=True)
class WriteConditions:
    """The conditions of a write: the versions that it accepts (`match`) and excludes (`none_match`)."""

    match: NamedVersions | None
    none_match: NamedVersions | None

    def hold(self, document: UUID, version: int) -> bool:
        """Return whether the conditions hold for the stored version of a document."""
        state = (document, version)
        return (self.match is None or state in self.match) and (self.none_match is None or state not in self.none_match)


def compute_document_etag(document: Served, body: bytes) -> str:
    """Return the tag of a served document; the body is hashed if the document has no fingerprint."""
    return f'"{document["id"]}-{document[VERSION_FIELD]}-{document.fingerprint or _digest(body)}"'


def compute_content_etag(body: bytes) -> str:
    """Return the tag of a body that is not a document."""
    return f'"{_digest(body)}"'


def find_current_etag(headers: Mapping[bytes, bytes], etag: str) -> str | None:
    """Return the client's tag if what it has is up to date: `etag`, or the tag of a compressed response.

    The conditions are evaluated in their order (RFC 9110, 13.2.2). Raises PreconditionFailedError for an `If-Match`
    that does not hold.
    """
    wanted = headers.get(b"if-match")
    if wanted is not None and not _meets(wanted, etag):
        raise PreconditionFailedError(
            "If-Match has no ETag of the current version: repeat the request without it to see the current one"
        )
    known = headers.get(b"if-none-match")
    return None if known is None else _named(known, etag)


def write_conditions(headers: Mapping[bytes, bytes]) -> WriteConditions | None:
    """Return the conditions of a write, if any. Both compare id and version only: the fields served do not matter."""
    match, none_match = headers.get(b"if-match"), headers.get(b"if-none-match")
    if match is None and none_match is None:
        return None
    return WriteConditions(_named_versions(match), _named_versions(none_match))


def _named(header: bytes, etag: str) -> str | None:
    """Return the tag in a header that stands for the same content, by weak comparison: proxies weaken tags."""
    if header.strip() == b"*":
        return etag
    tags = (tag.decode("latin-1") for tag in _TAG.findall(header))
    return next((tag for tag in tags if without_coding(tag) == etag), None)


def _meets(header: bytes, etag: str) -> bool:
    """Return whether `If-Match` names a tag, or that of another response with the same version of the document."""
    if _named(header, etag):
        return True
    state = _version(etag)
    return state is not None and any(_version(tag.decode("latin-1")) == state for tag in _TAG.findall(header))


def _named_versions(header: bytes | None) -> NamedVersions | None:
    if header is None:
        return None
    if header.strip() == b"*":
        return NamedVersions(anything=True)
    versions = [_version(tag.decode("latin-1")) for tag in _TAG.findall(header)]
    return NamedVersions(anything=False, versions=tuple(version for version in versions if version is not None))


def _version(tag: str) -> tuple[UUID, int] | None:
    found = _STATE.fullmatch(tag[1:-1])
    document = parse_uuid(found[1]) if found else None
    return (document, int(found[2])) if found and document else None


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()[:32]
