"""The console output of a starting server: its address, and the first steps."""

from __future__ import annotations

from enum import StrEnum

from framework_m_core.bootstrap.application import Application
from framework_m_core.domain.context import ADMINISTRATOR
from framework_m_core.interfaces.identity import IdentityProtocol

__all__ = ["Output", "greet", "suggest_setup"]

_NO_ADMINISTRATOR = "There is no administrator yet."


class Output(StrEnum):
    """The parts of a worker's console output, besides errors."""

    ADDRESS = "address"
    """The address."""
    GUIDE = "guide"
    """Links and first steps, printed once, by the first worker."""
    REQUESTS = "requests"
    """A line per request."""


async def greet(application: Application, address: str, output: frozenset[Output]) -> None:
    """Print the address and the first steps, as far as `output` includes them."""
    if Output.ADDRESS in output:
        print(f"Framework M is running on {address} (press Ctrl-C to stop)", flush=True)
    if Output.GUIDE not in output:
        return
    if not application.settings.production:
        print(f"API documentation: {address}/schema/swagger; log in with a browser: {address}/", flush=True)
    identities: IdentityProtocol = application.container.get("identity")
    hint = await suggest_setup(identities)
    if hint is not None:
        print(hint, flush=True)


async def suggest_setup(identities: IdentityProtocol) -> str | None:
    """Return a hint if the app has no administrator; it proposes no existing user, who may be untrusted."""
    if await identities.has_administrator():
        return None
    if await identities.list_users(limit=1):
        return f"{_NO_ADMINISTRATOR} Give the role to a user: m user add-role <email> {ADMINISTRATOR}"
    return f"{_NO_ADMINISTRATOR} Create one: m user create you@example.com --role {ADMINISTRATOR}"
