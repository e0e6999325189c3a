"""What a caller may set but not see is not found out by setting it, nor what links to a document by deleting it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from framework_m import DocType, Field
from framework_m_core.domain.context import Principal, RequestContext, make_system_context
from framework_m_core.domain.errors import LinkedDocumentError, SubmittedDocumentError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

CLERK = RequestContext(Principal("clerk", frozenset({"Clerk", "Guest"})))
SYSTEM = make_system_context("prepare a test", source="cli")


class Mark(DocType):
    """A row with a column that is set, but not seen."""

    text: str = ""
    secret: int = Field(default=0, permlevel=1)

    class Meta:
        is_child_table = True
        field_levels = {1: {"write": ["Clerk"]}}


class Exam(DocType):
    """A document with a field that is set, but not seen."""

    title: str = ""
    secret: int = Field(default=0, permlevel=1)
    marks: list[Mark] = []

    class Meta:
        submittable = True
        permissions = {"read": {"Clerk": "all"}, "write": {"Clerk": "all"}, "delete": {"Clerk": "all"}}
        field_levels = {1: {"write": ["Clerk"]}}


class Verdict(DocType):
    """What a clerk knows nothing of."""

    exam: UUID | None = Field(default=None, link="Exam")


def exam_registry() -> Registry:
    """The DocTypes, compiled."""
    builder = RegistryBuilder()
    for doctype in (Mark, Exam, Verdict):
        builder.add_doctype(doctype, "exams")
    return builder.freeze()


@pytest.fixture
async def school(database_url: str) -> AsyncIterator[Wired]:
    """The services over exams on each store."""
    registry = exam_registry()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        yield opened


async def _refusal(school: Wired, exam: dict[str, Any], body: dict[str, Any]) -> str:
    with pytest.raises(SubmittedDocumentError) as refused:
        await school.documents.update(CLERK, "Exam", exam["id"], body)
    return str(refused.value)


async def test_a_submitted_value_is_not_guessed_by_writing_it(school: Wired) -> None:
    exam = await school.documents.create(SYSTEM, "Exam", {"title": "a", "secret": 7, "marks": [{"secret": 3}]})
    await school.documents.submit(SYSTEM, "Exam", exam["id"])
    row = exam["marks"][0]["id"]
    for right, wrong in (
        ({"secret": 7}, {"secret": 8}),
        ({"marks": [{"id": str(row), "secret": 3}]}, {"marks": [{"id": str(row), "secret": 4}]}),
    ):
        assert await _refusal(school, exam, right) == await _refusal(school, exam, wrong), right


async def test_a_submitted_document_is_still_echoed(school: Wired) -> None:
    exam = await school.documents.create(SYSTEM, "Exam", {"title": "a", "secret": 7, "marks": [{"secret": 3}]})
    await school.documents.submit(SYSTEM, "Exam", exam["id"])
    row = {"id": str(exam["marks"][0]["id"]), "text": ""}
    echoed = await school.documents.update(CLERK, "Exam", exam["id"], {"title": "a", "marks": [row]})
    assert (echoed["title"], [mark["id"] for mark in echoed["marks"]]) == ("a", [exam["marks"][0]["id"]])


async def test_a_refused_delete_names_no_doctype_that_the_caller_may_not_read(school: Wired) -> None:
    exam = await school.documents.create(SYSTEM, "Exam", {})
    await school.documents.create(SYSTEM, "Verdict", {"exam": str(exam["id"])})
    with pytest.raises(LinkedDocumentError) as refused:
        await school.documents.delete(CLERK, "Exam", exam["id"])
    assert "Verdict" not in str(refused.value)
    with pytest.raises(LinkedDocumentError, match="Verdict"):
        await school.documents.delete(SYSTEM, "Exam", exam["id"])


@pytest.mark.parametrize("body", [{"secret": 7}, {"secret": 8}, {"marks": "hidden"}])
async def test_a_guess_of_what_is_hidden_is_a_change_whether_it_is_right_or_not(school: Wired, body: Any) -> None:
    """Else the version would tell."""
    exam = await school.documents.create(SYSTEM, "Exam", {"secret": 7, "marks": [{"text": "a", "secret": 7}]})
    if "marks" in body:
        body = {"marks": [{"id": str(exam["marks"][0]["id"]), "secret": 7}]}
    assert (await school.documents.update(CLERK, "Exam", exam["id"], body))["_version"] == 2
    assert (await school.documents.update(CLERK, "Exam", exam["id"], {"title": ""}))["_version"] == 2
