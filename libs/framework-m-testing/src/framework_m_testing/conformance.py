"""`DocTypeConformance`: tests that every DocType of an app must pass, whichever package declares it.

```python
class TestCrm(DocTypeConformance):
    folder = Path("examples/crm")
```
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator
from pydantic_core import to_json

from framework_m_core.bootstrap.application import Application
from framework_m_core.domain.context import (
    ADMINISTRATOR,
    ANONYMOUS,
    AUTOMATIC_ROLES,
    Principal,
    RequestContext,
    make_system_context,
)
from framework_m_core.domain.errors import (
    AuthenticationError,
    EntityNotFoundError,
    FrameworkError,
    NoGrantError,
    QueryError,
)
from framework_m_core.domain.fields.json_form import to_json_form
from framework_m_core.domain.filters.operators import is_sortable
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.services.metadata.schemas import describe_document, describe_input
from framework_m_core.services.metadata.service import MetadataService
from framework_m_core.services.queries.parsing import ListRequest
from framework_m_testing.apps import open_app
from framework_m_testing.contracts.contract import Contract
from framework_m_testing.samples.bodies import Bodies, SampleDocuments

__all__ = ["DocTypeConformance"]

_SYSTEM = make_system_context("check that a DocType conforms", source="cli")
_WRITES = ("write", "delete", "purge", "submit", "cancel", "amend")


class DocTypeConformance(Contract):
    """Tests every DocType that has an API, with the complete app on the in-memory store.

    `folder` contains the app's `pyproject.toml`. `bodies` gives, by DocType, values for fields whose rules no guess can
    satisfy, as a mapping or as a function of the sample's number. `max_documents` gives, by DocType, how many documents
    its own rules allow, such as 1 for settings. `apps` restricts the tests to the DocTypes of these apps.
    """

    folder: ClassVar[Path]
    bodies: ClassVar[Bodies] = {}
    max_documents: ClassVar[Mapping[str, int]] = {}
    apps: ClassVar[Collection[str]] = ()

    def _plans(self, app: Application) -> Iterator[CompiledDocType]:
        plans = (plan for plan in app.registry.doctypes.values() if plan.meta.has_api)
        chosen = [plan for plan in plans if not self.apps or plan.app in self.apps]
        # Those that allow few documents come first, before others have made theirs as targets of links.
        yield from sorted(chosen, key=lambda plan: self.max_documents.get(plan.name, inf))

    @pytest_asyncio.fixture
    async def app(self) -> AsyncIterator[Application]:
        """Open the app without documents."""
        async with open_app(self.folder) as opened:
            yield opened.application

    @pytest.fixture
    def samples(self, app: Application) -> SampleDocuments:
        """Return a factory for documents of any DocType."""
        return SampleDocuments(app, _SYSTEM, self.bodies, self.max_documents)

    async def test_there_are_doctypes_to_look_at(self, app: Application) -> None:
        """The app has DocTypes, without which the other tests would prove nothing."""
        assert [*self._plans(app)]

    async def test_a_document_is_kept_as_it_was_answered(self, app: Application, samples: SampleDocuments) -> None:
        """A document is created, read, sent back unchanged and deleted."""
        for plan in self._plans(app):
            _, made = await samples.create(plan.name)
            assert await app.documents.get(_SYSTEM, plan.name, made["id"]) == made, plan.name
            sent = await app.documents.update(_SYSTEM, plan.name, made["id"], _travelled(plan, made))
            assert {**sent, **_stamps(made)} == made, plan.name
            await app.documents.delete(_SYSTEM, plan.name, made["id"])
            with pytest.raises(EntityNotFoundError):
                await app.documents.get(_SYSTEM, plan.name, made["id"])

    async def test_a_document_has_the_shape_that_its_schema_tells(
        self, app: Application, samples: SampleDocuments
    ) -> None:
        """The JSON Schemas are valid, and the DocType's documents and bodies satisfy them."""
        metadata: MetadataService = app.container.get("metadata")
        for plan in self._plans(app):
            body, made = await samples.create(plan.name)
            grant = await app.queries.permissions.require_grant(_SYSTEM, plan, "create")
            disclosure = (await metadata.find_disclosures(_SYSTEM, await metadata.find_visible(_SYSTEM)))[plan.name]
            shown = describe_document(plan, grant.readable, grant.writable, disclosure)
            taken = describe_input(plan, grant.writable, disclosure, creating=True)
            for schema, value in ((shown, _travelled(plan, made)), (taken, body)):
                Draft202012Validator.check_schema(schema)
                Draft202012Validator(schema).validate(value)

    async def test_computed_fields_are_functions_of_their_document(
        self, app: Application, samples: SampleDocuments
    ) -> None:
        """What is computed of a document and its rows is the same whenever it is computed."""
        context = replace(_SYSTEM, registry=app.registry)
        for plan in self._plans(app):
            if not plan.has_computed:
                continue
            _, made = await samples.create(plan.name)
            again = await app.documents.previews.compute(context, plan, {}, made["id"])
            for name in (*plan.computed.names, *(one.field for one in plan.children.values() if one.computed.names)):
                assert again[name] == made[name], f"{plan.name}.{name}"

    async def test_the_metadata_tell_what_a_caller_may_see(self, app: Application) -> None:
        """The metadata of each role contain only the fields and actions that its grants cover."""
        metadata: MetadataService = app.container.get("metadata")
        for plan in self._plans(app):
            for caller in _callers(plan):
                known = (await metadata.find_visible(caller)).get(plan.name, {})
                if not known:
                    with pytest.raises((AuthenticationError, NoGrantError)):
                        await metadata.describe(caller, plan.name)
                    continue
                described = await metadata.describe(caller, plan.name)
                fields = {field["name"] for field in described["fields"]} - {"name"}
                granted = frozenset[str]().union(*(grant.readable | grant.writable for grant in known.values()))
                assert fields <= granted, f"{plan.name}: {caller.principal.roles}"
                assert {name for name, may in described["permissions"].items() if may} == known.keys()

    async def test_only_the_roles_that_are_named_get_in(self, app: Application, samples: SampleDocuments) -> None:
        """Each action is refused to every role that `Meta.permissions` does not grant it to."""
        for plan in self._plans(app):
            _, made = await samples.create(plan.name)
            for caller in _callers(plan):
                for action in ("list", "read", "create", *_WRITES):
                    refused = await _is_refused(app, caller, plan, action, made["id"])
                    assert refused is not _may(plan, caller, action), f"{plan.name}.{action}: {caller.principal.roles}"

    async def test_lists_sort_and_filter_by_every_column(self, app: Application, samples: SampleDocuments) -> None:
        """Lists sort by every column that has an order and filter by every one, and reject unknown names."""
        for plan in self._plans(app):
            made = [
                (await samples.create(plan.name))[1]["id"] for _ in range(min(2, self.max_documents.get(plan.name, 2)))
            ]
            for name in plan.columns:
                if name == "deleted_at":
                    continue
                order = [name] if is_sortable(plan.specs[name]) else []
                tree = {"or": [_is_null(name, True), _is_null(name, False)]}
                page = await _page(app, plan, ListRequest(order_by=order, filters=tree, count="exact", fields=[name]))
                assert {*made} <= {item["id"] for item in page.items}, f"{plan.name}.{name}"
                assert page.total == len(page.items)
            with pytest.raises(QueryError):
                await _page(app, plan, ListRequest(order_by=["no_such_field"]))


async def _page(app: Application, plan: CompiledDocType, request: ListRequest) -> Any:
    return await app.documents.list(_SYSTEM, plan.name, request)


def _is_null(field: str, value: bool) -> dict[str, Any]:
    return {"field": field, "operator": "is_null", "value": value}


def _stamps(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: document[name] for name in ("modified", "_version")}


def _travelled(plan: CompiledDocType, value: Any) -> Any:
    """Return a document as a client receives and sends it."""
    return json.loads(to_json(to_json_form(value, plan.json_encoders)))


def _callers(plan: CompiledDocType) -> list[RequestContext]:
    """Return an anonymous caller, a caller without roles, and one caller for each role."""
    roles = [
        frozenset[str](),
        *(frozenset({role}) for role in sorted({*plan.meta.roles, ADMINISTRATOR} - AUTOMATIC_ROLES)),
    ]
    return [RequestContext(ANONYMOUS), *(RequestContext(Principal("somebody", one)) for one in roles)]


def _may(plan: CompiledDocType, caller: RequestContext, action: str) -> bool:
    """Return whether the declaration permits the action; changing a document requires reading it, too."""
    stated = getattr(vars(plan.model).get("Meta"), "permissions", None) or {}
    held = {one for one, by in stated.items() if not caller.principal.roles.isdisjoint(by)}
    if ADMINISTRATOR in caller.principal.roles:
        return True
    if action == "list":
        return not held.isdisjoint({"read", "select"})
    return action in held and (action not in _WRITES or "read" in held)


async def _is_refused(app: Application, caller: RequestContext, plan: CompiledDocType, action: str, id: Any) -> bool:
    """Return whether the caller lacks a grant for the action. Changes are rolled back."""
    documents = app.documents
    async with app.container.get("unit_of_work")(caller) as unit:
        inside = caller.within(unit)
        calls: dict[str, Any] = {
            "list": lambda: documents.list(inside, plan.name, ListRequest()),
            "read": lambda: documents.get(inside, plan.name, id),
            "create": lambda: documents.create(inside, plan.name, {}),
            "write": lambda: documents.update(inside, plan.name, id, {}),
            "delete": lambda: documents.delete(inside, plan.name, id),
            "purge": lambda: documents.delete(inside, plan.name, id, hard=True),
            "submit": lambda: documents.submit(inside, plan.name, id),
            "cancel": lambda: documents.cancel(inside, plan.name, id),
            "amend": lambda: documents.amend(inside, plan.name, id),
        }
        try:
            await calls[action]()
        except (AuthenticationError, NoGrantError):
            return True
        except FrameworkError:
            return False
    return False
