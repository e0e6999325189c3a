"""`Person`: somebody who works with an app's documents in a test, at the door and over HTTP."""

from __future__ import annotations

from secrets import token_hex

from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.interfaces.authentication import AuthenticationProtocol, Credentials, Login
from framework_m_core.interfaces.session import SessionKind
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.service import DocumentService

__all__ = ["KnownPeople", "TestUser"]


class TestUser(DocumentClient):
    """The documents as one caller may work with them; `id` is what `owner` says of what that caller makes."""

    __test__ = False  # its name begins as pytest's test classes do

    def __init__(self, service: DocumentService, principal: Principal) -> None:
        super().__init__(service, RequestContext(principal, source="cli"))
        self.principal = principal

    @property
    def id(self) -> str:
        """The id of the caller, who need not have a User document."""
        return self.principal.id


class KnownPeople:
    """An `AuthenticationProtocol` that lets the people of a test in by tokens of their own, all others as the app's."""

    def __init__(self, real: AuthenticationProtocol) -> None:
        self._real = real
        self._people: dict[str, Principal] = {}

    def headers(self, person: TestUser) -> dict[str, str]:
        """The headers with which requests come from this person."""
        header = f"Bearer test-{token_hex(16)}"
        self._people[header] = person.principal
        return {"authorization": header}

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """As the port says."""
        return self._people.get(_deciding(credentials)) or await self._real.authenticate(credentials)

    async def login(self, username: str, password: str, *, address: str, kind: SessionKind) -> Login:
        """As the port says."""
        return await self._real.login(username, password, address=address, kind=kind)

    async def refresh(self, refresh_token: str, *, address: str = "") -> Login:
        """As the port says."""
        return await self._real.refresh(refresh_token, address=address)

    async def logout(self, credentials: Credentials) -> None:
        """As the port says, and a person's token opens nothing after it."""
        if self._people.pop(_deciding(credentials), None) is None:
            await self._real.logout(credentials)


def _deciding(credentials: Credentials) -> str:
    """The header of a request."""
    return credentials.authorization or ""
