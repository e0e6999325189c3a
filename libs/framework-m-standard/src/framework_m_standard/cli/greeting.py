"""The console output of a starting server: its address, and the first steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from framework_m_core.bootstrap.application import Application
from framework_m_core.domain.context import ADMINISTRATOR
from framework_m_core.interfaces.identity import Identity, IdentityProtocol

__all__ = ["Says", "greet", "what_is_missing"]

_NO_ADMINISTRATOR = "There is no administrator yet."


class Says(StrEnum):
    """The parts of a worker's console output, besides errors."""

    ADDRESS = "address"
    """The address."""
    GUIDE = "guide"
    """Links and first steps, printed once, by the first worker."""
    REQUESTS = "requests"
    """A line per request."""


async def greet(application: Application, address: str, says: frozenset[Says]) -> None:
    """Print the address and the first steps, as far as `says` includes them."""
    if Says.ADDRESS in says:
        print(f"Framework M is running on {address} (press Ctrl-C to stop)", flush=True)
    if Says.GUIDE not in says:
        return
    if not application.settings.production:
        print(f"API documentation: {address}/schema/swagger; log in with a browser: {address}/", flush=True)
    identities: IdentityProtocol = application.container.get("identity")
    for line in what_is_missing(await identities.all()):
        print(line, flush=True)


def what_is_missing(users: Sequence[Identity]) -> Iterator[str]:
    """Yield a hint if the app has no administrator; it proposes no existing user, who may be untrusted."""
    if not users:
        yield f"{_NO_ADMINISTRATOR} Create one: m user create you@example.com --role {ADMINISTRATOR}"
    elif not any(ADMINISTRATOR in user.roles for user in users):
        yield f"{_NO_ADMINISTRATOR} Give the role to a user: m user add-role <email> {ADMINISTRATOR}"
