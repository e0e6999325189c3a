"""Passwords: hashing, checking, bounds, and the same work for nobody's password."""

from __future__ import annotations

import asyncio
import threading
import time
from statistics import median

import pytest

from framework_m_core.domain.errors import ValidationError
from framework_m_standard.auth.credentials.passwords import PasswordCheck, Passwords
from tests.errors import assert_names


@pytest.fixture
def passwords() -> Passwords:
    return Passwords()


async def test_the_password_is_right_and_others_are_wrong(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")
    assert await passwords.verify(stored, "correct horse") is PasswordCheck.RIGHT
    assert await passwords.verify(stored, "Correct horse") is PasswordCheck.WRONG
    assert await passwords.verify(stored, "") is PasswordCheck.WRONG


async def test_hashes_are_argon2id_with_their_parameters_and_a_salt(passwords: Passwords) -> None:
    first, second = [await passwords.hash("correct horse") for _ in range(2)]
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second


@pytest.mark.parametrize(("length", "code"), [(0, "too_short"), (7, "too_short"), (1025, "too_long")])
async def test_a_password_out_of_bounds_is_refused(passwords: Passwords, length: int, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        await passwords.hash("x" * length)
    assert [(error.field, error.code) for error in caught.value.errors] == [("password", code)]
    assert_names(caught.value, "8 to 1024")


@pytest.mark.parametrize(
    "password",
    [
        "password", "Password", "PASSWORD1", "12345678", "qwertyuiop", "iloveyou",
        "ada.lovelace@example.com", "Ada.Lovelace", "lovelace", "lovelace1843", "!Lovelace!", "example.com",
    ],
)  # fmt: skip
async def test_what_is_tried_first_is_refused(passwords: Passwords, password: str) -> None:
    with pytest.raises(ValidationError) as caught:
        await passwords.hash(password, "Ada.Lovelace@example.com")
    assert [(error.field, error.code) for error in caught.value.errors] == [("password", "too_common")]


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44\uff11", "too_common"),
        ("\uff21da.\uff2covelace", "too_common"),
        ("e\u0301" * 4, "too_short"),
        ("\ufdfa" * 100, "too_long"),
    ],
)
async def test_the_rules_are_of_what_is_hashed(passwords: Passwords, password: str, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        await passwords.hash(password, "Ada.Lovelace@example.com")
    assert [(error.field, error.code) for error in caught.value.errors] == [("password", code)]


@pytest.mark.parametrize("password", ["correct horse", "lovelace likes engines", "password of passwords", "1234567x8"])
async def test_what_only_contains_it_is_taken(passwords: Passwords, password: str) -> None:
    stored = await passwords.hash(password, "Ada.Lovelace@example.com")
    assert await passwords.verify(stored, password) is PasswordCheck.RIGHT


@pytest.mark.parametrize("length", [8, 1024])
async def test_a_password_at_the_bounds_is_taken(passwords: Passwords, length: int) -> None:
    stored = await passwords.hash("x" * length)
    assert await passwords.verify(stored, "x" * length) is PasswordCheck.RIGHT


async def test_an_endless_password_is_wrong_without_being_hashed(passwords: Passwords) -> None:
    stored = await passwords.hash("x" * 1024)
    assert await passwords.verify(stored, "x" * 10_000_000) is PasswordCheck.WRONG


async def test_the_way_an_accent_was_typed_does_not_matter(passwords: Passwords) -> None:
    stored = await passwords.hash("caf\N{LATIN SMALL LETTER E WITH ACUTE} au lait")
    assert await passwords.verify(stored, "cafe\N{COMBINING ACUTE ACCENT} au lait") is PasswordCheck.RIGHT


async def test_text_that_is_no_unicode_is_a_wrong_password(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")
    assert await passwords.verify(stored, "\ud800" * 8) is PasswordCheck.WRONG


async def test_a_hash_of_other_parameters_is_right_but_outdated(passwords: Passwords) -> None:
    older = Passwords(memory_kib=1024, passes=1)
    stored = await older.hash("correct horse")
    assert await passwords.verify(stored, "correct horse") is PasswordCheck.OUTDATED
    assert await passwords.verify(stored, "wrong horse") is PasswordCheck.WRONG


async def test_a_broken_hash_is_a_wrong_password(passwords: Passwords) -> None:
    assert await passwords.verify("$argon2id$broken", "correct horse") is PasswordCheck.WRONG


async def test_nobodys_password_costs_as_much_as_somebodys(passwords: Passwords) -> None:
    stored = await passwords.hash("correct horse")
    spent: dict[str | None, list[float]] = {stored: [], None: []}
    for _ in range(7):
        for known, times in spent.items():
            started = time.perf_counter()
            assert await passwords.verify(known, "wrong horse") is PasswordCheck.WRONG
            times.append(time.perf_counter() - started)
    assert 0.5 < median(spent[None]) / median(spent[stored]) < 2


async def test_two_are_hashed_at_once_beside_the_loop(passwords: Passwords) -> None:
    before = set(threading.enumerate())
    work = asyncio.gather(*(passwords.hash("correct horse") for _ in range(8)))
    ticks, maximum = 0, 0
    while not work.done():
        ticks += 1
        maximum = max(maximum, sum(thread.name.startswith("passwords") for thread in {*threading.enumerate()} - before))
        await asyncio.sleep(0.001)
    assert len(await work) == 8
    assert maximum <= 2
    assert ticks > 5
