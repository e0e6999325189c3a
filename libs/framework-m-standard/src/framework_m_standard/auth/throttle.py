"""`LoginThrottle`: limits failed logins, per account and per network, across all workers."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
from datetime import timedelta

from framework_m_core.domain.clock import Clock
from framework_m_core.domain.documents.names import normalize_email
from framework_m_core.domain.errors import RateLimitError
from framework_m_core.interfaces.login_attempts import AttemptLimits, LoginAttemptsProtocol
from framework_m_standard.auth.settings import AuthSettings

__all__ = ["LoginThrottle"]

_PUBLIC = {4: 24, 6: 48}
"""The lengths, by version of the protocol, of networks that one attacker can have whole: they count as one address."""

_SITE = {4: 32, 6: 64}
"""Those of what one household or person has: within an organization, whose network many people share, they count."""

_OF_ORGANIZATIONS = [
    ipaddress.ip_network(text) for text in ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""The addresses in which translators to IPv4 carry their clients' (RFC 6052)."""

_NETWORKS = 3
"""Multiple of the larger failure limit that closes an account to all networks; it takes as many networks."""

_KNOWN = timedelta(days=90)
"""How long after a login the account stays open to the network that it came from."""


class LoginThrottle:
    """Limits on failed logins. Attempts are counted before password checks, so that concurrent ones cannot exceed them.

    An account is closed to the network that fails. Only failures from several networks close it to all others, so that
    nobody can lock others out from one network, and never to those from which somebody logged in to it before: whose
    device is known is not locked out by strangers' guesses. An address that an account was logged in to from counts by
    itself for that account, so that its neighbours in the network do not close it either.

    A successful login clears the failures of this account in this network only: otherwise an attacker could clear the
    count by logging in to an account of their own.
    """

    def __init__(self, login_attempts: LoginAttemptsProtocol, auth_settings: AuthSettings, clock: Clock) -> None:
        self._attempts = login_attempts
        self._clock = clock
        self._key = auth_settings.derive_key("login-throttle")
        per_account, per_address = (
            auth_settings.max_login_failures_per_account,
            auth_settings.max_login_failures_per_address,
        )
        self._limits = AttemptLimits(
            window=timedelta(minutes=auth_settings.login_window_minutes),
            per_account_and_network=per_account,
            per_account=max(per_account, per_address) * _NETWORKS,
            per_network=per_address,
        )

    async def begin(self, account: str, address: str) -> None:
        """Count an attempt. Raises RateLimitError, counting nothing, if there were too many before it."""
        account_key, place, site = self._keys(account, address)
        if await self._attempts.is_known(account_key, site):
            place = site
        until = await self._attempts.begin(account_key, place, self._limits)
        if until is not None:
            seconds = max(1, math.ceil((until - self._clock()).total_seconds()))
            raise RateLimitError(f"too many failed logins: try again in {seconds} seconds", retry_after=seconds)

    async def succeed(self, account: str, address: str) -> None:
        """Clear this account's failures in this network, and remember that it was logged in to from there."""
        account_key, *places = self._keys(account, address)
        for place in dict.fromkeys(places):
            await self._attempts.succeed(account_key, place, _KNOWN)

    def _keys(self, account: str, address: str) -> tuple[str, str, str]:
        """Return the keys of an account, of the network of an address, and of the address itself within it."""
        network, site = _network(address)
        account_key = self._hash(f"account:{normalize_email(account)}")
        return account_key, self._hash(f"address:{network}"), self._hash(f"address:{site}")

    def _hash(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _ipv4_within(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for: of a mapped one, or of a client behind NAT64."""
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped


def _network(address: str) -> tuple[str, str]:
    """Return an address's network and the smaller network of its site; the text itself if it is not an address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address, address
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = _ipv4_within(parsed) or parsed
    is_private = any(parsed in network for network in _OF_ORGANIZATIONS)
    network, site = (
        str(ipaddress.ip_network((parsed.packed, lengths[parsed.version]), strict=False))
        for lengths in (_SITE if is_private else _PUBLIC, _SITE)
    )
    return network, site
