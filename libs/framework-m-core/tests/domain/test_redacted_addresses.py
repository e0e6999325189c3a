"""No address is shown with its password, however it was written."""

from __future__ import annotations

import string
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from framework_m_core.domain.redaction import hide_password

PIECE = "hunter2"
WORDS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8).filter(lambda word: PIECE not in word)
HOSTS = WORDS | st.just("[::1]") | WORDS.map(lambda word: f"{word}.example:5432")
BETWEEN = st.lists(st.sampled_from("@/:?#&=%+ ;,[]\\"), max_size=4)


@given(WORDS | st.just(""), BETWEEN, HOSTS, WORDS)
@example("u", ["@"], "h", "d")
@example("u", ["/"], "h", "d")
@example("", ["?"], "h:1", "d")
def test_no_piece_of_a_password_before_the_host(user: str, between: list[str], host: str, name: str) -> None:
    password = PIECE + "".join(f"{special}{PIECE}" for special in between)
    shown = hide_password(f"postgresql://{user}:{password}@{host}/{name}")
    assert shown == f"postgresql://{user}:***@{host}/{name}"


@given(HOSTS, st.sampled_from(["password", "PASSWORD", "sslpassword", "pwd", "api_key", "p%61ssword"]), BETWEEN)
@example("h:5432", "password", ["@"])
@example("h", "password", [":", "@"])
def test_no_piece_of_a_password_among_the_parameters(host: str, key: str, between: list[str]) -> None:
    password = PIECE + "".join(f"{special}{PIECE}" for special in between if special != "&")
    shown = hide_password(f"postgresql://{host}/d?user=u&{key}={password}&application_name=m")
    assert shown == f"postgresql://{host}/d?user=u&{key}=***&application_name=m"
    assert PIECE not in hide_password(f"postgresql://u:{quote(PIECE)}@{host}/d?{key}={password}")


@given(WORDS, HOSTS, WORDS)
def test_what_holds_none_stays(user: str, host: str, name: str) -> None:
    addresses = [
        f"postgresql://{user}@{host}/{name}?connect_timeout=3",
        f"postgresql://{user}:***@{host}/{name}",
        f"postgresql://{host}/{name}",
        f"sqlite:////{name}/{user}@{name}.db",
        f"https://{name}.example/{user}@{name}",
        f"{user}:{name}",
    ]
    assert [hide_password(address) for address in addresses] == addresses


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    shown = hide_password(text)
    assert hide_password(shown) == shown


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://:hunter2@cache:6379/0", "redis://:***@cache:6379/0"),
        ("nats://u:hunter2@a:1,nats://u:hunter2@b:1", "nats://u:***@b:1"),
        ("postgresql://h/d?user=u&password=hunter2", "postgresql://h/d?user=u&password=***"),
    ],
)
def test_some_that_are_common(address: str, shown: str) -> None:
    assert hide_password(address) == shown
