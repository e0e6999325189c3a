"""`open_app`: a complete app on an empty store, for the app's own tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import httpx

from framework_m_core.bootstrap.application import WEB_READY, Application, open_application
from framework_m_core.container.container import Container
from framework_m_core.domain.context import ADMINISTRATOR, ANONYMOUS, AUTOMATIC_ROLES, Principal, make_system_context
from framework_m_core.domain.documents.naming import PromptNaming
from framework_m_core.domain.errors import PermissionDeniedError
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.interfaces.authentication import AuthenticationProtocol
from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.client import DocumentClient
from framework_m_testing.deliveries import Deliveries
from framework_m_testing.people import KnownPeople, TestUser
from framework_m_testing.samples.fields import SampleValues
from framework_m_testing.stand_ins import make_stand_ins

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
    """An open app and the test users who work with its documents."""

    application: Application
    _people: KnownPeople
    _deliveries: Deliveries
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @property
    def registry(self) -> Registry:
        """The app's registry."""
        return self.application.registry

    @property
    def system(self) -> DocumentClient:
        """The document client of the system, which has every permission but follows all rules."""
        return self.application.documents.client_for(make_system_context("a test", source="cli"))

    @property
    def anonymous(self) -> TestUser:
        """The document client of a caller who has not logged in."""
        return TestUser(self.application.documents, ANONYMOUS)

    def user(
        self, *roles: str, id: UUID | str | None = None, attributes: Mapping[str, Sequence[str]] | None = None
    ) -> TestUser:
        """Return the document client of a user with these roles and this id, by default a new one.

        Row scopes compare with `attributes`, given as in the User document. Raises ValueError for a role that no
        DocType names, since it would grant nothing.
        """
        self._check_roles(roles)
        named = str(uuid4() if id is None else id)
        known = {name: _listed(name, values) for name, values in (attributes or {}).items()}
        principal = Principal(named, frozenset(roles), f"{named}@example.com", known)
        return TestUser(self.application.documents, principal)

    def _check_roles(self, roles: Sequence[str]) -> None:
        known = self.registry.roles | {ADMINISTRATOR, *AUTOMATIC_ROLES}
        for role in roles:
            if role not in known:
                meant = did_you_mean(role, known) or f": known are {', '.join(sorted(known))}"
                raise ValueError(f"expected a role that a DocType names, got {role!r}{meant}")

    async def sample(self, doctype: str, by: DocumentClient | None = None, /, **values: Any) -> Mapping[str, Any]:
        """Return the given values and samples for the other required fields, creating the linked documents.

        `by` creates the linked documents where permitted, otherwise the system does. The samples keep the constraints
        that fields declare. Raises NoSampleError for a field of which no value is known, which the test must give.
        """
        plan, number = self.registry.get(doctype), next(self._numbers)
        found = await self._values(SampleValues(doctype, plan.model, plan.fields), number, values, by)
        for name, child in plan.children.items():
            rows = SampleValues(f"{doctype}.{name}", child.model, child.fields)
            count = SampleValues(doctype, plan.model, plan.fields).count_rows(name)
            if name not in values and not plan.fields[name].read_only and (count or plan.fields[name].required):
                found[name] = [await self._values(rows, number + place, {}, by) for place in range(count)]
        if isinstance(plan.naming, PromptNaming):
            found["name"] = f"{doctype} {number}"
        return found | values

    async def _values(
        self, samples: SampleValues, number: int, given: Mapping[str, Any], by: DocumentClient | None
    ) -> dict[str, Any]:
        wanted = [spec for spec in samples.specs.values() if spec.required and spec.is_scalar and not spec.read_only]
        found = dict[str, Any]()
        for spec in wanted:
            if spec.name not in given:
                made = (await self._target(spec.link, by))["id"] if spec.link else samples.make(spec.name, number)
                found[spec.name] = made
        return found

    async def _target(self, doctype: str, by: DocumentClient | None) -> Mapping[str, Any]:
        try:
            return await self.make(doctype, by)
        except PermissionDeniedError:
            if by is None:
                raise
            return await self.make(doctype)

    async def make(self, doctype: str, by: DocumentClient | None = None, /, **values: Any) -> Mapping[str, Any]:
        """Create a document with these values, the others as in `sample`; `by` is the system by default."""
        return await (by or self.system).create(doctype, await self.sample(doctype, by, **values))

    async def deliver(self) -> None:
        """Deliver all pending events to the app's event handlers, including the events that the handlers cause.

        Tests deliver events in no other way. Raises what a handler raises; its event is delivered again next time.
        """
        await self._deliveries.deliver()

    @asynccontextmanager
    async def client(self, person: TestUser | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """Open an in-process HTTP client of the app, as a logged-in user or, by default, anonymous."""
        await self.application.open(("web",), WEB_READY)
        transport = httpx.ASGITransport(self.application.container.get("web"))
        headers = self._people.issue_headers(person) if person and person.id else {}
        async with httpx.AsyncClient(transport=transport, base_url=_ADDRESS, headers=headers) as client:
            yield client


def _listed(attribute: str, values: Sequence[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError(
            f"expected a list of texts for the attribute {attribute!r}, such as {[values]!r}, got {values!r}"
        )
    return tuple(values)


@asynccontextmanager
async def open_app(
    folder: Path | None = None,
    *,
    database: str | None = None,
    settings: Mapping[str, Any] | None = None,
    roles: Collection[str] = ("cli",),
) -> AsyncIterator[AppClient]:
    """Open the app in a folder (default: the working directory), and close it at the end.

    Its documents are in an empty in-memory store, or in a `database`, such as `sqlite:///…`, whose tables are created.
    Its `framework_config.toml` applies, except that the environment is development, and that store, cache and event bus
    are in-process. `settings` override all of these: `{"adapters.cache": "mine"}`. Environment variables are ignored:
    a setting that names one gets a placeholder text, or its default if it accepts no text. `roles`
    are those of the process, for steps that run in no command: `["worker"]`.
    """
    folder = folder or Path.cwd()
    store = {} if database is None else {"adapters.store": "default", "sql.url": database}
    given = {**_FOR_TESTS, **store, **(settings or {})}
    values, container = {**make_stand_ins(folder, given), **given}, Container()
    container.override("authentication", _with_test_users)
    opened = open_application(folder, roles=roles, environment={}, overrides=values, container=container)
    async with opened as application:
        yield AppClient(application, container.get("authentication"), Deliveries(container))


def _with_test_users(original: AuthenticationProtocol) -> KnownPeople:
    return KnownPeople(original)
