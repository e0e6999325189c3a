"""An old value stays where it is not set; it is not accepted for being stored from a caller who cannot read it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from framework_m import DocType, Field
from framework_m_core.domain.context import Principal, RequestContext, make_system_context
from framework_m_core.domain.errors import ValidationError
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_standard.auth.rbac import RbacPermission

from .wiring import Wired, wired

CLERK = RequestContext(Principal("clerk", frozenset({"Clerk", "Guest"})))
SYSTEM = make_system_context("a test", source="cli")
LEVELS = {1: {"write": ["Clerk"]}}


def registry_of(maximum: int) -> Registry:
    """Accounts whose limit, set but not seen by clerks, has a maximum, as has that of their rows."""

    class Line(DocType):
        text: str = ""
        limit: int = Field(default=0, permlevel=1, le=maximum)

        class Meta:
            is_child_table = True
            field_levels = LEVELS

    class Account(DocType):
        title: str = ""
        limit: int = Field(default=0, permlevel=1, le=maximum)
        lines: list[Line] = []

        class Meta:
            permissions = {"read": {"Clerk": "all"}, "write": {"Clerk": "all"}}
            field_levels = LEVELS

    Account.__annotations__["lines"] = list[Line]
    builder = RegistryBuilder()
    for doctype in (Line, Account):
        builder.add_doctype(doctype, "bank")
    return builder.freeze()


@pytest.fixture
async def bank(database_url: str) -> AsyncIterator[tuple[Wired, dict[str, Any]]]:
    """The services after the maximum has become 100, and an account from before."""
    async with wired(database_url, registry_of(1000)) as loose:
        account = await loose.create("Account", limit=700, lines=[{"text": "a", "limit": 700}])
    registry = registry_of(100)
    async with wired(database_url, registry, RbacPermission(RegistryHandle(registry))) as strict:
        yield strict, account


@pytest.mark.parametrize("guess", [700, 701])
async def test_a_guess_is_refused_whether_it_is_right_or_not(bank: tuple[Wired, dict[str, Any]], guess: int) -> None:
    store, account = bank
    row = {"id": str(account["lines"][0]["id"]), "text": "a"}
    bodies: dict[str, dict[str, Any]] = {
        "limit": {"limit": guess, "title": "b"},
        "lines.0.limit": {"lines": [{**row, "limit": guess}], "title": "b"},
    }
    for field, body in bodies.items():
        with pytest.raises(ValidationError) as refused:
            await store.documents.update(CLERK, "Account", account["id"], body)
        assert [(error.field, error.code) for error in refused.value.errors] == [(field, "out_of_bounds")]
    with pytest.raises(ValidationError) as refused:
        await store.documents.update(CLERK, "Account", account["id"], {"limit": guess, "title": 5})
    assert {error.field for error in refused.value.errors} == {"limit", "title"}


async def test_what_is_not_set_stays(bank: tuple[Wired, dict[str, Any]]) -> None:
    store, account = bank
    row = {"id": str(account["lines"][0]["id"]), "text": "b"}
    await store.documents.update(CLERK, "Account", account["id"], {"title": "b", "lines": [row]})
    stored = await store.documents.get(SYSTEM, "Account", account["id"])
    assert (stored["limit"], stored["lines"][0]["limit"], stored["lines"][0]["text"]) == (700, 700, "b")
