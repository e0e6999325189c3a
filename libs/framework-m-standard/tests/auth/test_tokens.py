"""Access tokens: what is signed is read, and nothing else is believed."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from framework_m_core.domain.errors import AuthenticationError
from framework_m_standard.auth.credentials.tokens import AccessClaims, AccessTokens
from framework_m_standard.auth.settings import AuthSettings
from framework_m_testing.clock import SetClock
from tests.errors import assert_names

USER, SESSION = uuid4(), uuid4()


@pytest.fixture
def tokens(settings: AuthSettings, clock: SetClock) -> AccessTokens:
    return _tokens_of(settings, clock)


def _tokens_of(settings: AuthSettings, clock: SetClock) -> AccessTokens:
    return AccessTokens(
        settings.derive_key("access-token"), timedelta(minutes=settings.access_token_ttl_minutes), clock
    )


def forged(settings: AuthSettings, clock: SetClock, algorithm: str = "HS256", **changes: Any) -> str:
    """A token with the right key, and changed claims; a claim of None is left out."""
    now = int(clock().timestamp())
    claims = {"iss": "framework-m", "sub": str(USER), "sid": str(SESSION), "epoch": 0, "iat": now, "exp": now + 60}
    stated = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(stated, settings.derive_key("access-token"), algorithm=algorithm)


def test_a_signed_token_says_whose_it_is(tokens: AccessTokens, clock: SetClock) -> None:
    claims = tokens.read(tokens.sign(USER, SESSION, 3))
    assert claims == AccessClaims(USER, SESSION, 3, clock.now + timedelta(minutes=15))
    assert tokens.lifetime == 900


def test_a_token_expires_by_the_injected_clock(tokens: AccessTokens, clock: SetClock) -> None:
    token = tokens.sign(USER, SESSION, 0)
    clock.move(minutes=15, seconds=-1)
    assert tokens.read(token).user_id == USER
    clock.move(seconds=1)
    with pytest.raises(AuthenticationError, match="expired: refresh it"):
        tokens.read(token)


@pytest.mark.filterwarnings("ignore:The HMAC key")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "somebody-else"},
        {"iss": None},
        {"sub": None},
        {"sub": "not-a-uuid"},
        {"sid": None},
        {"sid": "not-a-uuid"},
        {"epoch": None},
        {"epoch": "x"},
        {"iat": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1e300},
        {"algorithm": "HS384"},
        {"algorithm": "HS512"},
    ],
    ids=str,
)
def test_a_token_that_is_not_ours_is_refused(
    tokens: AccessTokens, settings: AuthSettings, clock: SetClock, changes: dict[str, Any]
) -> None:
    assert tokens.read(forged(settings, clock)).user_id == USER
    with pytest.raises(AuthenticationError):
        tokens.read(forged(settings, clock, **changes))


def test_a_token_of_another_secret_is_refused(tokens: AccessTokens, clock: SetClock) -> None:
    stranger = AuthSettings.model_validate({"secret": "fedcba9876543210" * 3})
    with pytest.raises(AuthenticationError):
        tokens.read(_tokens_of(stranger, clock).sign(USER, SESSION, 0))


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE"])
def test_an_unsigned_token_is_refused(tokens: AccessTokens, algorithm: str) -> None:
    _, claims, _ = tokens.sign(USER, SESSION, 0).split(".")
    header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "typ": "JWT"}).encode()).decode().rstrip("=")
    with pytest.raises(AuthenticationError):
        tokens.read(f"{header}.{claims}.")


@given(text=st.text())
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_breaks_the_reader(tokens: AccessTokens, text: str) -> None:
    with pytest.raises(AuthenticationError):
        tokens.read(text)


@given(place=st.integers(0, 10_000), character=st.sampled_from("Aa0_-."))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_token_never_names_another(tokens: AccessTokens, place: int, character: str) -> None:
    token = tokens.sign(USER, SESSION, 0)
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]
    try:
        assert tokens.read(changed) == tokens.read(token)
    except AuthenticationError:
        assert changed != token


def test_the_secret_is_never_shown_and_never_short(settings: AuthSettings) -> None:
    assert "0123456789" not in repr(settings) + str(settings) + settings.model_dump_json()
    for secret in ("short", "abcabcabc" * 8):
        with pytest.raises(ValidationError) as refused:
            AuthSettings.model_validate({"secret": secret})
        [error] = refused.value.errors()
        assert error["loc"] == ("secret",), secret
        assert_names(error["msg"], "random", "32 characters")


def test_each_purpose_has_its_own_key(settings: AuthSettings) -> None:
    assert settings.derive_key("access-token") != settings.derive_key("login-throttle")
