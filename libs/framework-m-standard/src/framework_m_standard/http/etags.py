"""Entity tags: `"<id>-<version>"` for documents, strong because a version has one representation per caller."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from framework_m_standard.http.paths import uuid_or_none

__all__ = ["IfMatch", "document_etag", "matches_none", "parse_if_match"]

_TAG = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_DIGITS = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IfMatch:
    """An `If-Match`: any version (`*`), or the versions of documents that its strong tags name."""

    anything: bool
    versions: tuple[tuple[UUID, int], ...] = ()


def document_etag(document: Mapping[str, Any]) -> str:
    """The tag of a document as served."""
    return f'"{document["id"]}-{document["_version"]}"'


def matches_none(header: bytes, etag: str) -> bool:
    """Whether an `If-None-Match` names a tag, so that the client has what it asks for; compares weakly."""
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
    identifier, _, number = tag.strip('"').rpartition("-")
    document = uuid_or_none(identifier)
    if document is None or _DIGITS.fullmatch(number) is None:
        return None
    return document, int(number)
