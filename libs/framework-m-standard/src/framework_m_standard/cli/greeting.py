"""What a server that starts says in its console: where it is, and what to do first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from framework_m_core.bootstrap.application import Application
from framework_m_core.domain.context import ADMINISTRATOR
from framework_m_core.interfaces.identity import Identity, IdentityProtocol

__all__ = ["Says", "greet", "what_is_missing"]

_NO_ADMINISTRATOR = "There is no administrator yet."


class Says(StrEnum):
    """What a worker tells its console, beside errors."""

    ADDRESS = "address"
    """Where it serves."""
    GUIDE = "guide"
    """Where to look, and what is missing: once, by the first worker."""
    REQUESTS = "requests"
    """A line for each request."""


async def greet(application: Application, address: str, says: frozenset[Says]) -> None:
    """Prints what a worker that is about to serve has to say."""
    if Says.ADDRESS in says:
        print(f"Framework M serves on {address} (stop with Ctrl-C)", flush=True)
    if Says.GUIDE not in says:
        return
    if not application.settings.production:
        print(f"The API is described at {address}/schema/swagger; a browser logs in at {address}/", flush=True)
    identities: IdentityProtocol = application.container.get("identity")
    for line in what_is_missing(await identities.all()):
        print(line, flush=True)


def what_is_missing(users: Sequence[Identity]) -> Iterator[str]:
    """What to do where nobody administers the app. Nobody is proposed: who is there may be anybody."""
    if not users:
        yield f"{_NO_ADMINISTRATOR} The first one: m user create you@example.com --role {ADMINISTRATOR}"
    elif not any(ADMINISTRATOR in user.roles for user in users):
        yield f"{_NO_ADMINISTRATOR} To make one of a user whom you choose: m user add-role <email> {ADMINISTRATOR}"
