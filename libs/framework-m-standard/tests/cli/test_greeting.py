"""What a development server says in its console."""

from __future__ import annotations

from uuid import uuid4

from framework_m_core.interfaces.identity import Identity
from framework_m_standard.cli.greeting import what_is_missing


def user(email: str, *roles: str) -> Identity:
    return Identity(uuid4(), email, frozenset(roles), enabled=True, epoch=0)


def test_without_users_the_first_is_made() -> None:
    assert [*what_is_missing([])] == [
        "There is no administrator yet. Create one: m user create you@example.com --role Administrator"
    ]


def test_no_user_who_is_there_is_proposed() -> None:
    assert [*what_is_missing([user("ada@example.com", "Clerk"), user("bob@example.com")])] == [
        "There is no administrator yet. Give the role to a user: m user add-role <email> Administrator"
    ]


def test_with_an_administrator_nothing_is_said() -> None:
    assert [*what_is_missing([user("ada@example.com"), user("bob@example.com", "Administrator")])] == []
