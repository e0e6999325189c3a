"""Section `[auth]` of the configuration."""

from __future__ import annotations

import hashlib
import hmac

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from framework_m_core.bootstrap.settings.paths import FORMER_NAME
from framework_m_core.bootstrap.settings.secrets import GENERATED

__all__ = ["AuthSettings"]

_MIN_CHARACTERS = 32
_MIN_DIFFERENT = 10
"""A random secret of 32 characters has at least this many different ones."""


class AuthSettings(BaseModel):
    """How logins work."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: SecretStr | None = Field(
        default=None,
        json_schema_extra={GENERATED: True},
        description="Signs access tokens and keys the login throttle: 32 characters or more. Generated in "
        "development, required in production.",
    )
    access_token_ttl_minutes: int = Field(default=15, ge=1, le=24 * 60, description="How long an access token lives.")
    session_ttl_days: int = Field(
        default=14,
        ge=1,
        le=365,
        description="How long a session lives after its last refresh; a cookie's session, after its login.",
    )
    max_sessions_per_user: int = Field(
        default=100,
        json_schema_extra={FORMER_NAME: "sessions_per_user"},
        ge=1,
        le=10_000,
        description="The most sessions of one user: a login ends those begun or refreshed longest ago.",
    )
    refresh_grace_seconds: int = Field(
        default=10,
        ge=0,
        le=60,
        description="How long after a refresh the spent refresh token returns the same tokens again to the same "
        "address, for example to a second tab. Later, or from elsewhere, it ends the session.",
    )
    max_login_failures_per_account: int = Field(
        default=10,
        json_schema_extra={FORMER_NAME: "login_failures_per_account"},
        ge=1,
        description="Failed logins from one network (IPv4 /24, IPv6 /48) after which an account is locked for that "
        "network. It is locked for all others only after three times this setting or the next, whichever is more, and "
        "never for networks from which it was logged in to within 90 days.",
    )
    max_login_failures_per_address: int = Field(
        default=50,
        json_schema_extra={FORMER_NAME: "login_failures_per_address"},
        ge=1,
        description="Failed logins after which the addresses of a network may not log in.",
    )
    login_window_minutes: int = Field(default=15, ge=1, description="How long a failed login is counted.")

    @field_validator("secret")
    @classmethod
    def _is_random(cls, value: SecretStr | None) -> SecretStr | None:
        text = value.get_secret_value() if value is not None else None
        if text is not None and (len(text) < _MIN_CHARACTERS or len(set(text)) < _MIN_DIFFERENT):
            minimum = f"{_MIN_CHARACTERS} characters or more"
            raise ValueError(f"expected a random secret of {minimum}, such as from `openssl rand -base64 48`")
        return value

    def derive_key(self, purpose: str) -> bytes:
        """Derive a key for a single purpose from the secret. Raises ValueError if it is not set."""
        if self.secret is None:
            raise ValueError("[auth] secret is not set")
        return hmac.digest(self.secret.get_secret_value().encode(), purpose.encode(), hashlib.sha256)
