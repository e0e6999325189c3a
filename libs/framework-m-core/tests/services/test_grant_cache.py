"""The bound of kept decisions: reached by what is kept, not by how often it is decided anew."""

from __future__ import annotations

import pytest

from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.interfaces.permission import Grant
from framework_m_core.services.permissions import grant_cache
from framework_m_core.services.permissions.grant_cache import GrantCache

BOUND = 10


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> GrantCache:
    monkeypatch.setattr(grant_cache, "_MAX_DECISIONS", BOUND)
    return GrantCache()


def _by(user: str) -> RequestContext:
    return RequestContext(Principal(user))


def _grant(rule: str = "rule") -> Grant:
    return Grant((), frozenset(), frozenset(), rule, varies_by=frozenset({"user"}))


def test_a_decision_made_anew_takes_no_further_place(cache: GrantCache) -> None:
    cache.keep(_by("ada"), "read", _grant(), None)
    for _ in range(3 * BOUND):
        cache.keep(_by("bob"), "read", _grant(), 1.0)
        cache.keep(_by("bob"), "write", None, 1.0)
    assert cache.find(_by("ada"), "read", 0.0) is not None


@pytest.mark.parametrize("users", [1, BOUND])
def test_callers_and_grants_are_bounded(cache: GrantCache, users: int) -> None:
    """An engine may grant the same caller something else each time; that, too, comes to an end."""
    cache.keep(_by("ada"), "read", _grant(), None)
    for turn in range(BOUND):
        cache.keep(_by(f"bob{turn % users}"), "read", _grant(str(turn)), 1.0)
    assert cache.find(_by("ada"), "read", 0.0) is None
