"""Session secrets: generation, recognition and hashing, and the rules that every adapter of sessions keeps."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

__all__ = ["SessionRules", "SessionSecrets", "hash_secret", "matches_hash"]

_OCTETS: Final = 32
_LABEL_CHARACTERS: Final = 43


class SessionSecrets:
    """Session secrets, each a label of its session followed by 256 bits that no other secret alone determines.

    A client that presents the label once held a secret of the session: it distinguishes spent secrets, however old,
    from guesses. A secret's successor is derived from it, the client's address and our key, so that it can be issued
    twice but not be computed by someone who stole its predecessor.
    """

    def __init__(self, key: Callable[[str], bytes]) -> None:
        """`key` derives a key for a purpose."""
        self._key = key

    def make_first(self, session_id: UUID) -> tuple[str, str]:
        """Return the secret and the CSRF token of a new session."""
        return self._label(session_id) + secrets.token_urlsafe(_OCTETS), secrets.token_urlsafe(_OCTETS)

    def make_next(self, session_id: UUID, secret: str, address: str) -> tuple[str, str]:
        """Return the secret and the CSRF token that follow a secret, presented from an address."""
        presented = hash_secret(secret)
        fresh = self._label(session_id) + self._derive("secret", session_id, presented, address)
        return fresh, self._derive("csrf", session_id, presented, address)

    def is_known(self, session_id: UUID, secret: str) -> bool:
        """Return whether the secret is one that the session has or had."""
        label = secret[:_LABEL_CHARACTERS].encode("utf-8", "surrogatepass")
        return hmac.compare_digest(label, self._label(session_id).encode())

    def _label(self, session_id: UUID) -> str:
        return self._derive("label", session_id)

    def _derive(self, purpose: str, *parts: object) -> str:
        message = "\0".join(map(str, parts)).encode("utf-8", "surrogatepass")
        digest = hmac.digest(self._key(f"session-{purpose}"), message, hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long sessions live, for how long a spent secret is answered again, and how many a user may have."""

    lifetime: timedelta
    grace: timedelta
    max_per_user: int
    secrets: SessionSecrets


def hash_secret(secret: str) -> str:
    """Return the hash of a secret for storage. A plain hash is safe, since the 256 bits cannot be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def matches_hash(secret: str, stored_hash: str) -> bool:
    """Return whether a secret matches a stored hash, compared in constant time."""
    return secrets.compare_digest(hash_secret(secret), stored_hash)
