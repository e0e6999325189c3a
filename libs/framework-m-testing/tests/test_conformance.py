"""The conformance check says no to DocTypes that do not conform, and guesses bodies that theirs accept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

import pytest

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.domain.context import make_system_context
from framework_m_core.domain.errors import ValidationError
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_testing.conformance import DocTypeConformance
from framework_m_testing.samples.bodies import SampleDocuments

CONTEXT = make_system_context("a test", source="cli")
APP = '''"""An app with a DocType that changes by being sent back, and one that is hard to please."""

from datetime import date
from uuid import UUID

from pydantic import field_validator

from framework_m import Controller, DocType, Field, ValidationError


class Restless(DocType):
    """Counts its writes in a field that its own schema bounds."""

    writes: int = 0


class Numbered(DocType):
    """No two may share a value, not even a default."""

    number: int = Field(default=0, unique=True)
    day: date = Field(unique=True)
    code: str
    part: int = 0
    next: UUID | None = Field(link="Numbered")

    class Meta:
        unique_together = (("code", "part"),)


class RestlessController(Controller[Restless]):
    async def validate(self) -> None:
        self.doc.writes += 1


class HouseRules(DocType):
    """There is one."""

    code: str


class HouseRulesController(Controller[HouseRules]):
    async def before_insert(self) -> None:
        if (await self.documents.list("HouseRules", limit=1)).items:
            raise ValidationError("there are rules already")


class Chooser(DocType):
    """Comes before what it links to."""

    rules: UUID = Field(link="HouseRules")


class Picky(DocType):
    """Wants an address of us, and a target."""

    address: str = Field(max_length=30)
    target: UUID = Field(link="Restless")

    class Meta:
        permissions = {"read": {"Clerk": "all"}}

    @field_validator("address")
    @classmethod
    def _with_at(cls, value: str) -> str:
        if "@" not in value:
            raise ValueError("an address is expected")
        return value
'''


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Application]:
    """The app on the store in memory."""
    (tmp_path / "restless_app.py").write_text(APP)
    entry = '[project.entry-points."framework_m.apps"]\nrestless = "restless_app"\n'
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "restless"\n{entry}')
    async with open_application(tmp_path, environment={"M_ADAPTERS__STORE": "memory"}) as opened:
        yield opened


async def test_a_body_is_found_that_a_doctype_accepts(app: Application) -> None:
    samples = SampleDocuments(app, CONTEXT, {})
    body, made = await samples.create("Picky")
    assert "@" in body["address"] and str(made["target"]) == body["target"]


async def test_given_bodies_are_taken_as_they_are(app: Application) -> None:
    with pytest.raises(ValidationError):
        await SampleDocuments(app, CONTEXT, {"Picky": {"address": "nowhere"}}).create("Picky")


def _samples(app: Application) -> SampleDocuments:
    return SampleDocuments(app, CONTEXT, {}, Limited.max_documents)


class Limited(DocTypeConformance):
    """All of the app, of which some does not conform."""

    max_documents: ClassVar[Any] = {"HouseRules": 1}


async def test_a_document_that_changes_by_itself_fails(app: Application) -> None:
    with pytest.raises(AssertionError, match="Restless"):
        await Limited().test_a_document_is_kept_as_it_was_answered(
            app, SampleDocuments(app, CONTEXT, {}, Limited.max_documents)
        )


async def test_a_role_that_gets_in_unnamed_fails(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = app.registry.get("Picky").model
    monkeypatch.setattr(model.Meta, "permissions", {})
    with pytest.raises(AssertionError, match=r"Picky\.list"):
        await Limited().test_only_the_roles_that_are_named_get_in(
            app, SampleDocuments(app, CONTEXT, {}, Limited.max_documents)
        )


async def test_samples_of_unique_fields_differ_and_links_to_their_own_kind_end(app: Application) -> None:
    samples = SampleDocuments(app, CONTEXT, {})
    made = [(await samples.create("Numbered"))[1] for _ in range(3)]
    assert len({document["number"] for document in made}) == len({document["day"] for document in made}) == 3


async def test_other_apps_are_left_out(app: Application) -> None:
    class Ours(DocTypeConformance):
        apps = ("restless",)

    assert {plan.app for plan in Ours()._plans(app)} == {"restless"}
    with pytest.raises(AssertionError):
        await type("Nobodys", (DocTypeConformance,), {"apps": ("nobodys",)})().test_there_are_doctypes_to_look_at(app)


class Conforming(DocTypeConformance):
    """What the app of these tests would state, if all of it conformed."""

    bodies: ClassVar[Any] = {"HouseRules": lambda number: {"code": f"rule {number}"}}
    max_documents: ClassVar[Any] = Limited.max_documents

    def _plans(self, app: Application) -> Iterator[CompiledDocType]:
        return (plan for plan in super()._plans(app) if plan.name in {"HouseRules", "Chooser"})


_TESTS = [name for name in vars(DocTypeConformance) if name.startswith("test_")]


@pytest.mark.parametrize("name", _TESTS)
async def test_of_some_doctypes_there_is_one_document(app: Application, name: str) -> None:
    conforming: Any = Conforming()
    samples = SampleDocuments(app, CONTEXT, conforming.bodies, conforming.max_documents)
    test = getattr(conforming, name)
    await test(app, samples) if "samples" in signature(test).parameters else await test(app)


async def test_a_second_one_fails_where_none_is_expected(app: Application) -> None:
    samples = SampleDocuments(app, CONTEXT, Conforming.bodies)
    await samples.create("HouseRules")
    with pytest.raises(ValidationError):
        await samples.create("Chooser")
