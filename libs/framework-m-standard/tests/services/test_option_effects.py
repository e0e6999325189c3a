"""What the options of fields do on each store, in a document, in its rows, and at the list that holds them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from framework_m import DocType, Field
from framework_m_core.domain.context import Principal, RequestContext, make_system_context
from framework_m_core.domain.errors import (
    DuplicateValueError,
    SubmittedDocumentError,
    ValidationError,
)
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

CLERK = RequestContext(Principal("clerk", frozenset({"Clerk"})))
SYSTEM = make_system_context("prepare a test", source="cli")
ROLES = {action: {"Clerk": "all"} for action in ("create", "read", "write", "submit")}


class Row(DocType):
    plain: str = ""
    opened: str = Field(default="", allow_on_submit=True)
    anything: Any = None
    fixed: str = Field(default="", read_only=True)
    hidden: str = Field(default="", permlevel=1)
    secret: str = Field(default="", sensitive=True)

    class Meta:
        is_child_table = True
        field_levels = {1: {"read": ["Boss"]}}


class Sheet(DocType):
    plain: str = ""
    opened: str = Field(default="", allow_on_submit=True)
    fixed: str = Field(default="", read_only=True)
    hidden: str = Field(default="", permlevel=1)
    secret: str = Field(default="", sensitive=True)
    code: str | None = Field(default=None, unique=True)
    closed: list[Row] = []
    open: list[Row] = Field(default=[], allow_on_submit=True)
    fixed_rows: list[Row] = Field(default=[], read_only=True)
    hidden_rows: list[Row] = Field(default=[], permlevel=1)
    secret_rows: list[Row] = Field(default=[], sensitive=True)

    class Meta:
        submittable = True
        permissions = ROLES
        field_levels = {1: {"read": ["Boss"]}}


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Wired]:
    builder = RegistryBuilder()
    for doctype in (Row, Sheet):
        builder.add_doctype(doctype, "desk")
    registry = builder.freeze()
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as opened:
        yield opened


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"fixed": "x"}, "not_writable"), ({"fixed_rows": [{"plain": "x"}]}, "not_writable"),
        ({"open": [{"fixed": "x"}]}, "not_writable"), ({"hidden": "x"}, "unknown_field"),
        ({"hidden_rows": []}, "unknown_field"), ({"open": [{"hidden": "x"}]}, "unknown_field"),
    ],
)  # fmt: skip
async def test_what_is_read_only_or_of_a_level_is_not_taken(desk: Wired, body: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        await desk.documents.create(CLERK, "Sheet", body)
    assert [error.code for error in refused.value.errors] == [code]


async def test_what_is_of_a_level_is_not_shown(desk: Wired) -> None:
    sheet = await desk.documents.create(CLERK, "Sheet", {"open": [{"plain": "x"}]})
    assert not {"hidden", "hidden_rows"} & sheet.keys()
    assert "hidden" not in sheet["open"][0]


async def test_what_is_sensitive_is_not_kept_in_the_audit(desk: Wired) -> None:
    body = {"secret": "s3cret", "open": [{"secret": "s3cret"}], "secret_rows": [{"plain": "s3cret"}]}
    sheet = await desk.documents.create(CLERK, "Sheet", body)
    assert "s3cret" not in repr(await desk.audits("Sheet", sheet["id"]))


async def test_a_unique_value_belongs_to_one_document(desk: Wired) -> None:
    await desk.documents.create(CLERK, "Sheet", {"code": "a"})
    with pytest.raises(DuplicateValueError):
        await desk.documents.create(CLERK, "Sheet", {"code": "a"})


async def _submitted(desk: Wired) -> dict[str, Any]:
    rows = [{"plain": "a", "anything": 1}, {"plain": "b"}]
    sheet = await desk.documents.create(CLERK, "Sheet", {"closed": rows, "open": rows})
    return await desk.documents.submit(CLERK, "Sheet", sheet["id"])


def _rows(rows: list[dict[str, Any]], **changed: Any) -> list[dict[str, Any]]:
    first, *others = [{"id": str(row["id"])} for row in rows]
    return [{**first, **changed}, *others]


@pytest.mark.parametrize("field", ["open", "closed"])
async def test_an_opened_column_may_change_after_submit(desk: Wired, field: str) -> None:
    sheet = await _submitted(desk)
    changed = await desk.documents.update(CLERK, "Sheet", sheet["id"], {field: _rows(sheet[field], opened="x")})
    assert [row["opened"] for row in changed[field]] == ["x", ""]
    assert changed["_version"] == sheet["_version"] + 1


@pytest.mark.parametrize("field", ["open", "closed"])
@pytest.mark.parametrize("changed", [{"plain": "x"}, {"anything": True}, {"opened": "x", "plain": "x"}])
async def test_another_column_may_not(desk: Wired, field: str, changed: dict[str, Any]) -> None:
    sheet = await _submitted(desk)
    with pytest.raises(SubmittedDocumentError) as refused:
        await desk.documents.update(CLERK, "Sheet", sheet["id"], {field: _rows(sheet[field], **changed)})
    assert f"{field}.{'anything' if 'anything' in changed else 'plain'}" in str(refused.value)


def _changed_rows(sheet: dict[str, Any], field: str) -> list[list[dict[str, Any]]]:
    first, second = _rows(sheet[field])
    return [[first], [second, first], [first, second, {"plain": "new"}], [first, {"plain": "new"}]]


async def test_an_opened_list_gains_loses_and_moves_rows(desk: Wired) -> None:
    sheet = await _submitted(desk)
    for rows in _changed_rows(sheet, "closed"):
        with pytest.raises(SubmittedDocumentError):
            await desk.documents.update(CLERK, "Sheet", sheet["id"], {"closed": rows})
    for rows in _changed_rows(sheet, "open"):
        other = await _submitted(desk)
        own = [{**row, "id": str(other["open"][place]["id"])} if "id" in row else row for place, row in enumerate(rows)]
        changed = await desk.documents.update(CLERK, "Sheet", other["id"], {"open": own[::-1]})
        assert len(changed["open"]) == len(rows)


async def test_nothing_changes_in_a_cancelled_document(desk: Wired) -> None:
    sheet = await _submitted(desk)
    await desk.documents.cancel(SYSTEM, "Sheet", sheet["id"])
    bodies: list[dict[str, Any]] = [{"opened": "x"}, {"open": []}, {"closed": _rows(sheet["closed"], opened="x")}]
    for body in bodies:
        with pytest.raises(SubmittedDocumentError):
            await desk.documents.update(CLERK, "Sheet", sheet["id"], body)
