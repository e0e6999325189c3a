"""What `m start` says of an app without an administrator."""

from __future__ import annotations

import pytest

from framework_m_core.domain.context import ADMINISTRATOR
from framework_m_standard.cli.processes.greeting import suggest_setup
from framework_m_testing.fakes.identity import FakeIdentity


@pytest.fixture
def identity() -> FakeIdentity:
    return FakeIdentity((ADMINISTRATOR, "Clerk"))


async def test_an_empty_store_asks_for_an_administrator(identity: FakeIdentity) -> None:
    assert await suggest_setup(identity) == (
        "There is no administrator yet. Create one: m user create you@example.com --role Administrator"
    )


async def test_a_store_without_administrator_proposes_nobody(identity: FakeIdentity) -> None:
    await identity.create("ada@example.com", None, ["Clerk"])
    await identity.create("bob@example.com", None, [])
    assert await suggest_setup(identity) == (
        "There is no administrator yet. Give the role to a user: m user add-role <email> Administrator"
    )


async def test_an_administrator_needs_no_hint(identity: FakeIdentity) -> None:
    await identity.create("ada@example.com", None, [])
    await identity.create("bob@example.com", None, [ADMINISTRATOR])
    assert await suggest_setup(identity) is None
