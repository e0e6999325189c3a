"""The secret of the server that is attacked at its door, so that tests can forge what only it could make."""

from __future__ import annotations

import secrets

from pydantic import SecretStr

from framework_m_standard.auth.settings import AuthSettings

__all__ = ["SECRET", "derived_key"]

SECRET = secrets.token_urlsafe(48)


def derived_key(purpose: str) -> bytes:
    """The key that the server derives from its secret for a purpose."""
    return AuthSettings(secret=SecretStr(SECRET)).derive_key(purpose)
