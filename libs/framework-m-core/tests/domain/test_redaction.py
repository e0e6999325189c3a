"""Texts without the secrets that can be told by their form."""

from __future__ import annotations

import timeit
from functools import partial
from time import process_time

import pydantic
import pytest

from framework_m_core.domain.redaction import is_secret_name, redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cannot reach postgresql://ada:hunter2@db/crm: refused", "cannot reach postgresql://ada:***@db/crm: refused"),
        ("('redis://:hunter2@cache', 1)", "('redis://:***@cache', 1)"),
        ("GET https://pay.example/x?token=hunter2&a=1 failed", "GET https://pay.example/x?token=***&a=1 failed"),
        ("Authorization: Bearer hunter2", "Authorization: ***"),
        ("sent Bearer hunter2.a-b_c=, twice", "sent Bearer ***, twice"),
        ("cookie: session=hunter2; csrf=hunter2\nhost: x", "cookie: ***\nhost: x"),
        ("{'Authorization': 'Bearer hunter2', 'a': 1}", "{'Authorization': ***, 'a': 1}"),
        ('{"api_key": "hunt\\"er2", "b": 2}', '{"api_key": ***, "b": 2}'),
        ("[(b'x-api-key', b'hunter2')]", "[(b'x-api-key', ***)]"),
        ("host=db password=hunter2 user=ada", "host=db password=*** user=ada"),
        ("connect(password='hunter 2', new_secret=hunter2)", "connect(password=***, new_secret=***)"),
        ("[auth] secret: expected at least 32 characters", "[auth] secret: expected at least 32 characters"),
        ("3 tokens, 2 keys, https://example.com/a?b=c", "3 tokens, 2 keys, https://example.com/a?b=c"),
    ],
)
def test_what_is_secret_by_its_form_is_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_the_input_that_a_validation_error_quotes_is_hidden() -> None:
    class Login(pydantic.BaseModel):
        password: int

    with pytest.raises(pydantic.ValidationError) as caught:
        Login.model_validate({"password": "hunter2"})
    assert "hunter2" in str(caught.value) and "hunter2" not in redact(str(caught.value))


@pytest.mark.parametrize("name", ["password", "Set-Cookie", "x-api-key", "access_token", "clientSecret", "pwd"])
def test_a_secret_is_told_by_its_name(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["passed", "key", "compass", "request_id"])
def test_other_names_are_none(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "piece",
    [
        "a" * 60,
        "a://",
        "password=",
        "input_value=",
        "authorization:",
        "'secret': '\\",
        "token",
        "token-",
        "pwd='\\\"",
        "a-",
    ],
)
def test_long_texts_take_steps_in_proportion(piece: str) -> None:
    """Four times the text takes about four times as long; a pattern that looks back takes sixteen."""
    short, long = (piece * (length // len(piece)) for length in (16_000, 64_000))
    fastest = [
        min(timeit.repeat(partial(redact, text), timer=process_time, number=1, repeat=5)) for text in (short, long)
    ]
    assert fastest[1] < 10 * fastest[0] + 0.05
