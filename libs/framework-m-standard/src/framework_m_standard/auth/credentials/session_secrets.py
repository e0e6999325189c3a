"""The secrets of sessions: how they are made, known again and kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import Final
from uuid import UUID

from framework_m_standard.auth.settings import AuthSettings

__all__ = ["SessionSecrets", "hash_secret", "is_secret"]

_OCTETS: Final = 32
_LABEL_CHARACTERS: Final = 43


class SessionSecrets:
    """Makes the secrets of sessions, each a label of its session and 256 bits that follow from no other secret alone.

    Whoever shows the label once held a secret of the session; it is how a spent secret is told from a guess, however
    many there were since. What follows a secret depends on it, on the client's address and on our key, so that it can
    be given twice and never be computed by who stole the one before.
    """

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings

    def first(self, session_id: UUID) -> tuple[str, str]:
        """Return the secret and the CSRF token of a new session."""
        return self._label(session_id) + secrets.token_urlsafe(_OCTETS), secrets.token_urlsafe(_OCTETS)

    def next(self, session_id: UUID, secret: str, address: str) -> tuple[str, str]:
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
        digest = hmac.digest(self._settings.key(f"session-{purpose}"), message, hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def hash_secret(secret: str) -> str:
    """What is stored of a secret. It has 256 random bits, so a plain hash cannot be guessed backwards."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_secret(secret: str, stored_hash: str) -> bool:
    """Whether a secret is the one that was hashed, in the same time whatever it is."""
    return secrets.compare_digest(hash_secret(secret), stored_hash)
