"""`AsyncClient`: calls of an app's HTTP API from coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, overload

import httpx

from framework_m_client.async_doctype_client import AsyncDocTypeClient
from framework_m_client.exchange import Exchange, Pause, Renew, Send, exchange, renew
from framework_m_client.models import decoder_of
from framework_m_client.operations import Call, DocTypeCalls, build_function_call
from framework_m_client.retries import RetryPolicy
from framework_m_client.session import Session, Tokens, User

__all__ = ["AsyncClient"]


class AsyncClient:
    """A client of an app. Tasks of one event loop may share it.

    It is anonymous until `login`, unless it is given a `token`, or `tokens` of an earlier login. Expired access tokens
    are renewed.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        tokens: Tokens | None = None,
        retries: RetryPolicy | None = None,
        timeout: float = 30,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._session = Session(tokens or (Tokens(token) if token else None))
        self._retries = retries or RetryPolicy()
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout, transport=transport)
        self._sleep = sleep
        self._renewing = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. The session goes on: `logout` ends it."""
        await self._http.aclose()

    @property
    def tokens(self) -> Tokens | None:
        """The current tokens, to continue the session later."""
        return self._session.tokens

    @overload
    def doctype(self, name: str) -> AsyncDocTypeClient[dict[str, Any]]: ...
    @overload
    def doctype[T](self, name: str, model: type[T]) -> AsyncDocTypeClient[T]: ...
    def doctype(self, name: str, model: type[Any] = dict) -> AsyncDocTypeClient[Any]:
        """Return the client of a DocType's documents, which are dictionaries or a `model` of yours."""
        return AsyncDocTypeClient(self._run, DocTypeCalls(name, decoder_of(model)))

    async def call(self, path: str, arguments: Mapping[str, Any] | None = None, *, repeatable: bool = False) -> Any:
        """Call a function by its declared path. Only a `repeatable` call is sent again if its answer is lost."""
        return await self._run(build_function_call(path, arguments or {}, repeatable))

    async def login(self, username: str, password: str) -> User:
        """Log in. Raises AuthenticationError."""
        return await self._run(self._session.login(username, password))

    async def refresh(self) -> None:
        """Renew the tokens now; it also happens when the server refuses an expired one."""
        async with self._renewing:
            await self._follow(renew(self._session, self._retries))

    async def logout(self) -> None:
        """End the session."""
        await self._run(self._session.logout())

    async def me(self) -> User:
        """Return who is logged in. Raises AuthenticationError."""
        return await self._run(self._session.me())

    async def _run[T](self, call: Call[T], /) -> T:
        return call.parse(await self._follow(exchange(call, self._session, self._retries)))

    async def _follow(self, steps: Exchange[httpx.Response]) -> httpx.Response:
        outcome: httpx.Response | httpx.RequestError | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as done:
                response: httpx.Response = done.value
                return response
            outcome = None
            match step:
                case Send():
                    outcome = await self._send(step)
                case Pause(seconds):
                    await self._sleep(seconds)
                case Renew(used):
                    await self._renew(used)

    async def _send(self, step: Send) -> httpx.Response | httpx.RequestError:
        try:
            return await self._http.request(
                step.method, step.path, params=step.query, headers=step.headers, content=step.content
            )
        except httpx.RequestError as error:
            return error

    async def _renew(self, used: Tokens) -> None:
        async with self._renewing:
            if self._session.tokens == used:
                await self._follow(renew(self._session, self._retries))
