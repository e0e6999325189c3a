"""The login throttle on the real store."""

from __future__ import annotations

import asyncio

import pytest

from framework_m_core.domain.errors import RateLimitError
from framework_m_standard.auth.settings import AuthSettings
from framework_m_standard.auth.throttle import LoginThrottle
from tests.errors import assert_names

from .conftest import ADDRESS, Worker

ACCOUNT = "ada@example.com"


@pytest.fixture
def throttle(worker: Worker, settings: AuthSettings) -> LoginThrottle:
    few = settings.model_copy(update={"max_login_failures_per_account": 3, "max_login_failures_per_address": 5})
    get = worker.app.container.get
    return LoginThrottle(get("login_attempts"), few, worker.clock)


async def guess_from_many_networks(throttle: LoginThrottle) -> None:
    for number in range(5):
        await attempts(throttle, 3, address=f"198.51.{number}.1")


async def attempts(throttle: LoginThrottle, number: int, account: str = ACCOUNT, address: str = ADDRESS) -> None:
    for _ in range(number):
        await throttle.begin(account, address)


async def test_an_account_is_held_after_its_failures_until_the_first_is_old(
    throttle: LoginThrottle, worker: Worker
) -> None:
    await attempts(throttle, 1)
    worker.clock.move(minutes=5)
    await attempts(throttle, 2)
    with pytest.raises(RateLimitError) as caught:
        await throttle.begin(ACCOUNT, ADDRESS)
    assert caught.value.retry_after == 600
    assert_names(caught.value, "600 seconds")
    worker.clock.move(seconds=600.001)
    await throttle.begin(ACCOUNT, ADDRESS)


async def test_asking_while_held_does_not_hold_longer(throttle: LoginThrottle, worker: Worker) -> None:
    await attempts(throttle, 3)
    for _ in range(14):
        worker.clock.move(minutes=1)
        with pytest.raises(RateLimitError):
            await throttle.begin(ACCOUNT, ADDRESS)
    worker.clock.move(minutes=1, seconds=1)
    await throttle.begin(ACCOUNT, ADDRESS)


async def test_letter_case_and_blanks_make_no_other_account(throttle: LoginThrottle) -> None:
    await attempts(throttle, 3)
    with pytest.raises(RateLimitError):
        await throttle.begin(" ADA@Example.com ", ADDRESS)


async def test_nobody_locks_an_account_from_one_network(throttle: LoginThrottle) -> None:
    await attempts(throttle, 3)
    with pytest.raises(RateLimitError):
        await throttle.begin(ACCOUNT, ADDRESS)
    await throttle.begin(ACCOUNT, "198.51.100.7")


async def test_failures_from_many_networks_close_the_account_to_all(throttle: LoginThrottle) -> None:
    await guess_from_many_networks(throttle)
    with pytest.raises(RateLimitError):
        await throttle.begin(ACCOUNT, "203.0.113.1")
    await throttle.begin("other@example.com", "203.0.113.1")


@pytest.mark.parametrize("pattern", ["198.51.100.{}", "2001:db8:7:{}::1"])
async def test_one_network_closes_an_account_to_nobody_else(throttle: LoginThrottle, pattern: str) -> None:
    for number in range(16):
        try:
            await attempts(throttle, 3, address=pattern.format(number))
        except RateLimitError:
            continue
    await throttle.begin(ACCOUNT, "203.0.113.1")


async def test_clients_of_a_translator_are_not_one_network(throttle: LoginThrottle) -> None:
    await attempts(throttle, 3, address="64:ff9b::203.0.113.1")
    with pytest.raises(RateLimitError):
        await throttle.begin(ACCOUNT, "203.0.113.2")
    await throttle.begin(ACCOUNT, "64:ff9b::198.51.100.1")


async def test_strangers_do_not_lock_out_who_logged_in_before(throttle: LoginThrottle, worker: Worker) -> None:
    await throttle.begin(ACCOUNT, ADDRESS)
    await throttle.succeed(ACCOUNT, ADDRESS)
    worker.clock.move(days=89)
    await guess_from_many_networks(throttle)
    with pytest.raises(RateLimitError):
        await throttle.begin(ACCOUNT, "203.0.113.1")
    await attempts(throttle, 3)
    with pytest.raises(RateLimitError):  # its own guesses are counted as everybody's are
        await throttle.begin(ACCOUNT, ADDRESS)


@pytest.mark.parametrize(
    ("known", "neighbour"), [("203.0.113.5", "203.0.113.6"), ("2001:db8:7:1::1", "2001:db8:7:2::1")]
)
async def test_neighbours_do_not_lock_out_the_address_that_logged_in_before(
    throttle: LoginThrottle, known: str, neighbour: str
) -> None:
    """Its own guesses count as everybody's; for another account it is one of the network."""
    await throttle.succeed(ACCOUNT, known)
    await attempts(throttle, 3, address=neighbour)
    await attempts(throttle, 2, account="other@example.com", address=neighbour)
    with pytest.raises(RateLimitError):
        await throttle.begin(ACCOUNT, neighbour)
    with pytest.raises(RateLimitError):
        await throttle.begin("new@example.com", known)
    await attempts(throttle, 3, address=known)
    with pytest.raises(RateLimitError):
        await throttle.begin(ACCOUNT, known)


async def test_a_login_to_one_account_opens_no_other(throttle: LoginThrottle) -> None:
    await throttle.succeed("guesser@example.com", ADDRESS)
    await guess_from_many_networks(throttle)
    with pytest.raises(RateLimitError):
        await throttle.begin(ACCOUNT, ADDRESS)


async def test_an_account_is_forgotten_where_it_was_not_used_for_long(throttle: LoginThrottle, worker: Worker) -> None:
    await throttle.succeed(ACCOUNT, ADDRESS)
    worker.clock.move(days=91)
    await guess_from_many_networks(throttle)
    with pytest.raises(RateLimitError):
        await throttle.begin(ACCOUNT, ADDRESS)


async def test_many_logins_leave_one_record_of_a_network(throttle: LoginThrottle, worker: Worker) -> None:
    for address in ("203.0.113.5", "203.0.113.5", "203.0.113.6"):
        await throttle.succeed(ACCOUNT, address)
    assert len(await worker.stored("LoginAttempt")) == 3  # the network and two addresses in it


async def test_an_address_is_held_for_all_accounts(throttle: LoginThrottle) -> None:
    for number in range(5):
        await throttle.begin(f"user{number}@example.com", ADDRESS)
    with pytest.raises(RateLimitError):
        await throttle.begin("user5@example.com", ADDRESS)
    await throttle.begin("user5@example.com", "198.51.100.7")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", True),
        ("2001:db8::1", "2001:db8:1::1", False),
        ("192.0.2.1", "192.0.2.2", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.3.1", False),
        ("10.0.0.1", "10.0.0.2", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("fd00::1", "fd00::2", True),
        ("fd00::1", "fd00:0:0:1::1", False),
        ("unix:", "unix:", True),
    ],
)
async def test_what_counts_as_one_address(throttle: LoginThrottle, first: str, second: str, same: bool) -> None:
    for number in range(5):
        await throttle.begin(f"user{number}@example.com", first)
    if same:
        with pytest.raises(RateLimitError):
            await throttle.begin("other@example.com", second)
    else:
        await throttle.begin("other@example.com", second)


async def test_success_takes_back_the_failures_of_this_account_here(throttle: LoginThrottle, worker: Worker) -> None:
    await attempts(throttle, 3)
    await throttle.succeed(ACCOUNT, ADDRESS)
    assert all(row.at > worker.clock() for row in await worker.stored("LoginAttempt"))
    await attempts(throttle, 3)


async def test_an_own_account_does_not_clear_the_count_of_a_guesser(throttle: LoginThrottle) -> None:
    for number in range(4):
        await throttle.begin(f"victim{number}@example.com", ADDRESS)
    await throttle.begin("guesser@example.com", ADDRESS)
    await throttle.succeed("guesser@example.com", ADDRESS)
    await throttle.begin("victim5@example.com", ADDRESS)
    with pytest.raises(RateLimitError):
        await throttle.begin("victim6@example.com", ADDRESS)


async def test_many_at_once_do_not_slip_past(throttle: LoginThrottle) -> None:
    async def attempt() -> bool:
        try:
            await throttle.begin(ACCOUNT, ADDRESS)
        except RateLimitError:
            return False
        return True

    assert sum(await asyncio.gather(*(attempt() for _ in range(12)))) <= 3


async def test_old_attempts_are_removed(throttle: LoginThrottle, worker: Worker) -> None:
    await attempts(throttle, 3)
    worker.clock.move(minutes=16)
    await attempts(throttle, 1)
    assert len(await worker.stored("LoginAttempt")) == 1


async def test_neither_account_nor_address_is_stored(throttle: LoginThrottle, worker: Worker) -> None:
    await attempts(throttle, 1)
    stored = repr(await worker.stored("LoginAttempt"))
    assert "LoginAttempt(" in stored
    assert ACCOUNT not in stored
    assert ADDRESS not in stored
