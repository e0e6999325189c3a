"""`Client`: calls of an app's HTTP API that wait for their answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Lock
from types import TracebackType
from typing import Any, Self, overload

import httpx

from framework_m_client.doctype_client import DocTypeClient
from framework_m_client.exchange import Exchange, Pause, Renew, Send, exchange, renew
from framework_m_client.models import decoder_of
from framework_m_client.operations import Call, DocTypeCalls, build_function_call
from framework_m_client.retries import RetryPolicy
from framework_m_client.session import Session, Tokens, User

__all__ = ["Client"]


class Client:
    """A client of an app. Threads may share it.

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
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = Session(tokens or (Tokens(token) if token else None))
        self._retries = retries or RetryPolicy()
        self._http = httpx.Client(base_url=url, timeout=timeout, transport=transport)
        self._sleep = sleep
        self._renewing = Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. The session goes on: `logout` ends it."""
        self._http.close()

    @property
    def tokens(self) -> Tokens | None:
        """The current tokens, to continue the session later."""
        return self._session.tokens

    @overload
    def doctype(self, name: str) -> DocTypeClient[dict[str, Any]]: ...
    @overload
    def doctype[T](self, name: str, model: type[T]) -> DocTypeClient[T]: ...
    def doctype(self, name: str, model: type[Any] = dict) -> DocTypeClient[Any]:
        """Return the client of a DocType's documents, which are dictionaries or a `model` of yours."""
        return DocTypeClient(self._run, DocTypeCalls(name, decoder_of(model)))

    def call(self, path: str, arguments: Mapping[str, Any] | None = None, *, repeatable: bool = False) -> Any:
        """Call a function by its declared path. Only a `repeatable` call is sent again if its answer is lost."""
        return self._run(build_function_call(path, arguments or {}, repeatable))

    def login(self, username: str, password: str) -> User:
        """Log in. Raises AuthenticationError."""
        return self._run(self._session.login(username, password))

    def refresh(self) -> None:
        """Renew the tokens now; it also happens when the server refuses an expired one."""
        with self._renewing:
            self._follow(renew(self._session, self._retries))

    def logout(self) -> None:
        """End the session."""
        self._run(self._session.logout())

    def me(self) -> User:
        """Return who is logged in. Raises AuthenticationError."""
        return self._run(self._session.me())

    def _run[T](self, call: Call[T], /) -> T:
        return call.parse(self._follow(exchange(call, self._session, self._retries)))

    def _follow(self, steps: Exchange[httpx.Response]) -> httpx.Response:
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
                    outcome = self._send(step)
                case Pause(seconds):
                    self._sleep(seconds)
                case Renew(used):
                    self._renew(used)

    def _send(self, step: Send) -> httpx.Response | httpx.RequestError:
        try:
            return self._http.request(
                step.method, step.path, params=step.query, headers=step.headers, content=step.content
            )
        except httpx.RequestError as error:
            return error

    def _renew(self, used: Tokens) -> None:
        with self._renewing:
            if self._session.tokens == used:
                self._follow(renew(self._session, self._retries))
