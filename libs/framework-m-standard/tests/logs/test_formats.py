"""Records as lines: what they hold, what they hide, and that nobody writes a line of his own."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from framework_m_core.domain.log_context import LogContext, bind_log_context
from framework_m_standard.logs.configuration import log_formatter
from framework_m_standard.logs.structlog_import import structlog

REQUEST = uuid4()
FORGED = "x\n10:00:00 [error] forged\r\x1b[2J\x85\u2028\u202e"
SECRETS: dict[str, Any] = {
    "authorization": "Bearer hunter2",
    "headers": {"cookie": "hunter2", "accept": "*/*"},
    "url": "redis://:hunter2@cache",
    "key": SecretStr("hunter2"),
    "nested": [{"password": "hunter2"}],
}


class Lines:
    """A logger of the test's own, and what it has written."""

    def __init__(self, *, is_json: bool) -> None:
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(log_formatter(is_json=is_json))
        self.log = logging.Logger("acme.orders")
        self.log.addHandler(handler)

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def json_lines() -> Lines:
    return Lines(is_json=True)


@pytest.fixture
def text_lines() -> Lines:
    return Lines(is_json=False)


@pytest.fixture(params=[True, False], ids=["json", "text"])
def lines(request: pytest.FixtureRequest) -> Lines:
    return Lines(is_json=request.param)


@pytest.fixture
def _request() -> Iterator[None]:
    with bind_log_context(LogContext("http", REQUEST, "ada", "acme", correlation_id=REQUEST)):
        yield


@pytest.mark.usefixtures("_request")
def test_a_json_line_has_the_message_and_the_context(json_lines: Lines) -> None:
    json_lines.log.warning("paid %d of %s", 3, "INV-1", extra={"amount": 12, "paid": True})
    (line,) = json_lines.objects
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line.pop("timestamp"))
    assert line == {
        "message": "paid 3 of INV-1", "level": "warning", "logger": "acme.orders", "amount": 12, "paid": True,
        "source": "http", "request_id": str(REQUEST), "correlation_id": str(REQUEST),
        "user_id": "ada", "tenant": "acme",
    }  # fmt: skip


@pytest.mark.usefixtures("_request")
def test_a_text_line_reads_as_one(text_lines: Lines) -> None:
    text_lines.log.warning("paid %d", 3)
    assert re.match(r"\d\d:\d\d:\d\d \[warning\] paid 3 \[acme\.orders\] ", text_lines.text)
    assert f"request_id={REQUEST}" in text_lines.text and "user_id=ada" in text_lines.text
    assert "correlation_id" not in text_lines.text, "it is the request's id once more"


def test_a_text_line_tells_what_caused_it(text_lines: Lines) -> None:
    with bind_log_context(LogContext("event", uuid4(), correlation_id=REQUEST)):
        text_lines.log.warning("told")
    assert f"correlation_id={REQUEST}" in text_lines.text


@pytest.mark.usefixtures("_request")
def test_what_a_call_adds_replaces_neither_message_nor_context(json_lines: Lines) -> None:
    json_lines.log.warning("paid", extra={"event": "other", "user_id": "mallory", "level": "debug", "logger": "x"})
    (line,) = json_lines.objects
    shown = [line[name] for name in ("message", "extra_event", "user_id", "level", "logger")]
    assert shown == ["paid", "other", "ada", "warning", "acme.orders"]


def test_nothing_secret_is_written(lines: Lines) -> None:
    lines.log.warning("with %s and %s", SECRETS["url"], SECRETS, extra=SECRETS)
    try:
        raise ValueError(f"no {SECRETS['url']}, authorization: Bearer hunter2")
    except ValueError:
        lines.log.exception("failed")
    assert "hunter2" not in lines.text and "accept" in lines.text and "ValueError" in lines.text


def test_a_traceback_shows_no_local_variables(lines: Lines) -> None:
    unlabelled = "hunter" + "2"
    try:
        raise ValueError(len(unlabelled))
    except ValueError:
        lines.log.exception("failed")
    assert "hunter2" not in lines.text


def test_a_record_is_one_line_whatever_its_values_hold(lines: Lines) -> None:
    with bind_log_context(LogContext("http", user_id=FORGED, tenant=FORGED)):
        lines.log.warning("from %s", FORGED, extra={"agent": FORGED, FORGED: 1, "more": [FORGED]})
    assert len(lines.text.splitlines()) == 1
    assert all(character.isprintable() for character in lines.text.rstrip("\n"))


def test_no_line_of_a_traceback_looks_like_a_record(text_lines: Lines) -> None:
    try:
        raise ValueError(FORGED)
    except ValueError:
        text_lines.log.exception("failed")
    first, *others = text_lines.text.splitlines()
    assert first.endswith("[acme.orders]") and others
    assert all(line.startswith("    ") and line.isprintable() for line in others)


def test_a_record_is_bounded(lines: Lines) -> None:
    lines.log.warning("x" * 1_000_000, extra={f"k{number}": "y" * 100 for number in range(1000)})
    assert len(lines.text) < 40_000 and "… (" in lines.text.encode().decode("unicode_escape", "ignore") + lines.text


def test_a_record_that_cannot_be_shown_is_written_all_the_same(lines: Lines) -> None:
    class Odd:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    lines.log.warning("shown", extra={"odd": Odd()})
    assert "shown" in lines.text


def test_structlog_of_apps_writes_the_same_lines(json_lines: Lines) -> None:
    wrap = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    log = structlog.wrap_logger(json_lines.log, wrapper_class=structlog.stdlib.BoundLogger, processors=[wrap])
    with bind_log_context(LogContext("http", user_id="ada")):
        log.warning("paid", amount=3, password="hunter2")
    (line,) = json_lines.objects
    assert (line["message"], line["amount"], line["password"], line["user_id"]) == ("paid", 3, "***", "ada")
