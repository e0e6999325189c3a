"""Preflights that CORS refuses, as problems like every other refusal."""

from __future__ import annotations

from typing import Final

from framework_m_standard.http.wire.asgi import ASGIApp, Message, Receive, Scope, Send, request_state_of
from framework_m_standard.http.wire.error_responses import to_problem
from framework_m_standard.http.wire.request_errors import PreflightRefusedError
from framework_m_standard.http.wire.responses import send_response

__all__ = ["PreflightProblems"]

_REFUSED: Final = 400
_PREFIX: Final = "Disallowed CORS "


class PreflightProblems:
    """The middleware around an app that answers preflights: those that it refuses as text become problems."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or scope["method"] != "OPTIONS":
            await self._app(scope, receive, send)
            return
        state = request_state_of(scope)
        refused = False

        async def translated(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                refused = b"origin" in state.headers and message["status"] == _REFUSED
            if not refused:
                await send(message)
            elif message["type"] == "http.response.body":
                reasons = message["body"].decode().removeprefix(_PREFIX)
                await send_response(send, to_problem(PreflightRefusedError(reasons), state.context.request_id))

        await self._app(scope, receive, translated)
