"""The context of log records, by task."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from framework_m_core.domain.log_context import LOG_CONTEXT, LogContext, bind_log_context, log_fields


def test_only_what_is_known_is_a_field() -> None:
    number = uuid4()
    assert LogContext("http", number, tenant="acme").to_fields() == {
        "source": "http", "request_id": str(number), "tenant": "acme",
    }  # fmt: skip
    assert log_fields() == {}


def test_a_context_ends_with_its_block_and_the_outer_one_is_back() -> None:
    with bind_log_context(LogContext("cli", command="start")):
        with bind_log_context(LogContext("relay")):
            assert log_fields() == {"source": "relay"}
        assert log_fields() == {"source": "cli", "command": "start"}
    assert LOG_CONTEXT.get() is None


async def test_a_task_inherits_the_context_and_keeps_its_own() -> None:
    async def fields() -> dict[str, str]:
        seen = log_fields()
        LOG_CONTEXT.set(LogContext("job"))
        return seen

    with bind_log_context(LogContext("http")):
        assert await asyncio.create_task(fields()) == {"source": "http"}
        assert log_fields() == {"source": "http"}
