"""What is believed of credentials for a moment: no longer, and not against what was revoked meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from framework_m_core.domain.context import ANONYMOUS
from framework_m_standard.auth.strategies import BearerStrategy, CookieStrategy, Verified
from framework_m_standard.auth.verified_credentials import VerifiedCredentials

ADA = Verified(ANONYMOUS, UUID(int=1), UUID(int=2), datetime(2026, 1, 31, tzinfo=UTC))
KEY = (CookieStrategy, "secret")


def test_a_verification_is_believed_for_a_second_by_its_own_strategy() -> None:
    seconds = [0.0]
    known = VerifiedCredentials(now=lambda: seconds[0])
    known.put(KEY, ADA, known.take_stamp())
    assert known.get((BearerStrategy, "secret")) is None
    seconds[0] = 0.99
    assert known.get(KEY) == ADA
    seconds[0] = 1.0
    assert known.get(KEY) is None


def test_a_verification_that_a_revocation_overtook_is_not_kept() -> None:
    known = VerifiedCredentials()
    stamp = known.take_stamp()
    known.drop(lambda verified: verified.user_id == ADA.user_id)
    known.put(KEY, ADA, stamp)
    assert known.get(KEY) is None


def test_only_what_applies_is_dropped_and_no_more_is_kept_than_allowed() -> None:
    known = VerifiedCredentials(maximum=2)
    for credential in ("a", "b"):
        known.put((CookieStrategy, credential), ADA, known.take_stamp())
    known.drop(lambda verified: verified.user_id != ADA.user_id)
    assert known.get((CookieStrategy, "a")) == ADA
    known.put((CookieStrategy, "c"), ADA, known.take_stamp())
    assert [known.get((CookieStrategy, credential)) for credential in "abc"] == [None, None, ADA]
