"""Error responses to cancelled requests: by a stopping server, or by something that they awaited."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from uuid import uuid4

from framework_m_core.domain.log_context import bind_log_context
from framework_m_standard.http.wire.asgi import ASGIApp, log_context_of
from framework_m_standard.http.wire.error_responses import to_problem
from framework_m_standard.http.wire.request_errors import ServerStoppedError
from framework_m_standard.http.wire.responses import send_response

__all__ = ["RespondWhenCancelled", "finish_cancelled"]

_FINISH_TIMEOUT_SECONDS: Final = 3
_STOPPED: Final = (
    "the server stopped before the request was finished: read the document before you try again, or send an "
    "Idempotency-Key and repeat the request"
)


class RespondWhenCancelled:
    """The outermost wrapper of the app. Without it uvicorn would respond 500 as plain text and log a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError as error:
            context = log_context_of(scope)
            request_id = context.request_id or uuid4()
            with bind_log_context(context):
                response = to_problem(_reason(error), request_id)
            if not _has_started(send):
                identified = (*response.headers, (b"x-request-id", str(request_id).encode("ascii")))
                await send_response(send, response._replace(headers=identified), head=scope.get("method") == "HEAD")


def _reason(error: asyncio.CancelledError) -> Exception:
    if (task := asyncio.current_task()) is not None and task.cancelling():
        return ServerStoppedError(_STOPPED)
    waited = RuntimeError("something that the request waited for was cancelled")
    waited.__cause__ = error
    return waited


def _has_started(send: Any) -> bool:
    """Return whether the response has started, according to uvicorn's request cycle."""
    return bool(getattr(getattr(send, "__self__", None), "response_started", False))


async def finish_cancelled() -> None:
    """Wait up to 3 seconds for the requests that uvicorn has cancelled to send their responses."""
    own = asyncio.current_task()
    cancelled = {task for task in asyncio.all_tasks() if task.cancelling() and task is not own}
    if cancelled:
        await asyncio.wait(cancelled, timeout=_FINISH_TIMEOUT_SECONDS)
