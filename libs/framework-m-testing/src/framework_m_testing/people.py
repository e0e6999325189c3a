"""`TestUser`: a user who works with an app's documents in a test, by document client and over HTTP."""

from __future__ import annotations

from secrets import token_hex

from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.interfaces.authentication import AuthenticationProtocol, Credentials, Login
from framework_m_core.interfaces.session import SessionKind
from framework_m_core.services.documents.client import DocumentClient
from framework_m_core.services.documents.service import DocumentService

__all__ = ["KnownPeople", "TestUser"]


class TestUser(DocumentClient):
    """The document client of one caller; `id` is the `owner` of the documents which that caller creates."""

    __test__ = False  # pytest would collect it for its name

    def __init__(self, service: DocumentService, principal: Principal) -> None:
        super().__init__(service, RequestContext(principal, source="cli"))
        self.principal = principal

    @property
    def id(self) -> str:
        """The caller's id; a User document need not exist."""
        return self.principal.id


class KnownPeople:
    """An `AuthenticationProtocol` that accepts tokens of test users, and delegates everything else to the app's."""

    def __init__(self, real: AuthenticationProtocol) -> None:
        self._real = real
        self._people: dict[str, Principal] = {}

    def issue_headers(self, person: TestUser) -> dict[str, str]:
        """Issue a token for this user and return the request headers that carry it."""
        header = f"Bearer test-{token_hex(16)}"
        self._people[header] = person.principal
        return {"authorization": header}

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """Return the test user's principal, or what the app's own authentication returns."""
        return self._people.get(_deciding(credentials)) or await self._real.authenticate(credentials)

    async def login(self, username: str, password: str, *, address: str, kind: SessionKind) -> Login:
        """Log in with the app's own authentication."""
        return await self._real.login(username, password, address=address, kind=kind)

    async def refresh(self, refresh_token: str, *, address: str = "") -> Login:
        """Refresh with the app's own authentication."""
        return await self._real.refresh(refresh_token, address=address)

    async def logout(self, credentials: Credentials) -> None:
        """Invalidate the test user's token, or log out with the app's own authentication."""
        if self._people.pop(_deciding(credentials), None) is None:
            await self._real.logout(credentials)


def _deciding(credentials: Credentials) -> str:
    """Return the Authorization header, or an empty text."""
    return credentials.authorization or ""
