"""The conformance check says no to DocTypes that do not conform, and guesses bodies that theirs accept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.domain.context import system_context
from framework_m_core.domain.errors import ValidationError
from framework_m_testing.conformance import DocTypeConformance
from framework_m_testing.sample_bodies import SampleDocuments

SCOPE = system_context("a test")
APP = '''"""An app with a DocType that changes by being sent back, and one that is hard to please."""

from uuid import UUID

from pydantic import field_validator

from framework_m import Controller, DocType, Field


class Restless(DocType):
    """Counts its writes in a field that its own schema bounds."""

    writes: int = 0


class RestlessController(Controller[Restless]):
    async def validate(self) -> None:
        self.doc.writes += 1


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
    samples = SampleDocuments(app, SCOPE, {})
    body, made = await samples.create("Picky")
    assert "@" in body["address"] and str(made["target"]) == body["target"]


async def test_given_bodies_are_taken_as_they_are(app: Application) -> None:
    with pytest.raises(ValidationError):
        await SampleDocuments(app, SCOPE, {"Picky": {"address": "nowhere"}}).create("Picky")


async def test_a_document_that_changes_by_itself_fails(app: Application) -> None:
    with pytest.raises(AssertionError, match="Restless"):
        await DocTypeConformance().test_a_document_is_kept_as_it_was_answered(app, SampleDocuments(app, SCOPE, {}))


async def test_a_role_that_gets_in_unnamed_fails(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = app.registry.get("Picky").model
    monkeypatch.setattr(model.Meta, "permissions", {})
    with pytest.raises(AssertionError, match=r"Picky\.read"):
        await DocTypeConformance().test_only_the_roles_that_are_named_get_in(app, SampleDocuments(app, SCOPE, {}))
