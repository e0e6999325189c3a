"""`open_app`: a whole app on an empty store, as its own tests use it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import httpx

from framework_m_core.bootstrap.application import WEB_READY, Application, open_application
from framework_m_core.container.container import Container
from framework_m_core.domain.context import ADMINISTRATOR, ANONYMOUS, GUEST, Principal, system_context
from framework_m_core.domain.documents.naming import PromptNaming
from framework_m_core.domain.errors import PermissionDeniedError
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.interfaces.authentication import AuthenticationProtocol
from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.client import DocumentClient
from framework_m_testing.deliveries import Deliveries
from framework_m_testing.people import KnownPeople, TestUser
from framework_m_testing.samples import sample_value
from framework_m_testing.stand_ins import stand_ins

__all__ = ["AppClient", "open_app"]

_FOR_TESTS: Final = {
    "framework.env": "development",
    "adapters.store": "memory",
    "adapters.cache": "default",
    "adapters.event_bus": "default",
}
_ADDRESS: Final = "http://test"


@dataclass(frozen=True)
class AppClient:
    """An app, and people who work with its documents."""

    application: Application
    _people: KnownPeople
    _deliveries: Deliveries
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @property
    def registry(self) -> Registry:
        """What the app declares."""
        return self.application.registry

    @property
    def system(self) -> DocumentClient:
        """The documents as the system works with them: every right, all rules."""
        return self.application.documents.client_for(system_context("a test"))

    @property
    def anonymous(self) -> TestUser:
        """The documents as somebody who has not logged in may work with them."""
        return TestUser(self.application.documents, ANONYMOUS)

    def user(
        self, *roles: str, id: UUID | str | None = None, attributes: Mapping[str, Sequence[str]] | None = None
    ) -> TestUser:
        """The documents as somebody with these roles may work with them: somebody new, or who has this id.

        `attributes` are what row scopes compare with, as they stand in the User document. Raises ValueError for a role
        that no DocType names, which gives nobody anything.
        """
        self._check_roles(roles)
        named = str(uuid4() if id is None else id)
        known = {name: _listed(name, values) for name, values in (attributes or {}).items()}
        principal = Principal(named, frozenset({*roles, GUEST}), f"{named}@example.com", known)
        return TestUser(self.application.documents, principal)

    def _check_roles(self, roles: Sequence[str]) -> None:
        known = self.registry.roles | {ADMINISTRATOR, GUEST}
        for role in roles:
            if role not in known:
                meant = did_you_mean(role, known) or f": known are {', '.join(sorted(known))}"
                raise ValueError(f"no DocType names a role {role!r}{meant}")

    async def sample(self, doctype: str, by: DocumentClient | None = None, /, **values: Any) -> Mapping[str, Any]:
        """Values that a new document needs, but for those given; documents that it links to are made.

        The system makes them, or who is named, as far as they may. For fields with rules of their own, such as a
        pattern, the test gives the value.
        """
        plan, number = self.registry.get(doctype), next(self._numbers)
        needed = {name: spec for name, spec in plan.fields.items() if spec.required and name not in values}
        kinds = {name: info.annotation for name, info in plan.model.model_fields.items()}
        found = {name: sample_value(spec, number, kinds[name]) for name, spec in needed.items() if not spec.link}
        if isinstance(plan.naming, PromptNaming):
            found["name"] = f"{doctype} {number}"
        for name, spec in needed.items():
            if spec.link:
                found[name] = (await self._target(spec.link, by))["id"]
        return found | values

    async def _target(self, doctype: str, by: DocumentClient | None) -> Mapping[str, Any]:
        try:
            return await self.make(doctype, by)
        except PermissionDeniedError:
            if by is None:
                raise
            return await self.make(doctype)

    async def make(self, doctype: str, by: DocumentClient | None = None, /, **values: Any) -> Mapping[str, Any]:
        """A new document with these values, the others as `sample` finds them; made by the system, or by whom it is
        said."""
        return await (by or self.system).create(doctype, await self.sample(doctype, by, **values))

    async def deliver(self) -> None:
        """Hands every event to the app's event handlers, those too that the handlers cause.

        Nothing else does in tests. Raises what a handler raises; the event is delivered again the next time.
        """
        await self._deliveries.deliver()

    @asynccontextmanager
    async def client(self, person: TestUser | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """The app over HTTP, in this process, as a person who is logged in, or as nobody."""
        await self.application.open(("web",), WEB_READY)
        transport = httpx.ASGITransport(self.application.container.get("web"))
        headers = self._people.headers(person) if person and person.id else {}
        async with httpx.AsyncClient(transport=transport, base_url=_ADDRESS, headers=headers) as client:
            yield client


def _listed(attribute: str, values: Sequence[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError(f"the attribute {attribute!r} is a list of texts, such as {[values]!r}: {values!r} came")
    return tuple(values)


@asynccontextmanager
async def open_app(
    folder: Path | None = None, *, database: str | None = None, settings: Mapping[str, Any] | None = None
) -> AsyncIterator[AppClient]:
    """The app in a folder (default: the working directory), closed at the end.

    Its documents are in an empty store in memory, or in a `database`, such as `sqlite:///…`, whose tables are made.
    Its `framework_config.toml` holds, but for the environment, which is development, and for the store, the cache and
    the event bus, which are those of this process. `settings` outrank all that: `{"adapters.cache": "mine"}`.
    No variable of the machine counts: a setting that names one gets a text in its place, or its default where it takes
    no text.
    """
    folder = folder or Path.cwd()
    store = {} if database is None else {"adapters.store": "default", "sql.url": database}
    given = {**_FOR_TESTS, **store, **(settings or {})}
    values, container = {**stand_ins(folder, given), **given}, Container()
    container.override("authentication", _with_test_users)
    async with open_application(folder, environment={}, overrides=values, container=container) as application:
        yield AppClient(application, container.get("authentication"), Deliveries(container))


def _with_test_users(original: AuthenticationProtocol) -> KnownPeople:
    return KnownPeople(original)
