"""Opening, pinging and closing the adapters that the container made."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Collection
from typing import Any

from framework_m_core.container.container import Container
from framework_m_core.domain.errors import ConfigurationError

__all__ = ["AdapterLifecycle"]

_log = logging.getLogger(__name__)


class AdapterLifecycle:
    """Opens, pings and closes the adapters and clients of one application.

    Any of `async open()`, `async ping()` and `async close()` that an object has is called; methods of these names with
    parameters belong to the port and are ignored. Each object is opened after its dependencies and closed before them.
    One whose class has `roles`, a collection of names, is opened only in a process with one of these.
    """

    def __init__(self, container: Container, roles: Collection[str], known_roles: Collection[str]) -> None:
        """`roles` are those of the process, `known_roles` those that a process may have."""
        self._container = container
        self._roles = frozenset(roles)
        self._known = known_roles
        self._opened: list[tuple[str, Any]] = []

    async def open(self) -> None:
        """Open all objects not yet opened; each is listed for `close`, even if its `open` fails.

        Raises ConfigurationError for roles that no process can have.
        """
        for name, made in self._container.built:
            if self._opens_here(name, made) and not any(made is other for _, other in self._opened):
                self._opened.append((name, made))
                await _call(made, "open")

    def _opens_here(self, name: str, made: object) -> bool:
        roles = getattr(type(made), "roles", None)
        if not isinstance(roles, (str, frozenset, set, tuple, list)):
            return True  # none, or a member of the port that has this name
        unknown = [roles] if isinstance(roles, str) else [role for role in roles if role not in self._known]
        if unknown:
            expected = f"expected a collection of {', '.join(self._known)}, got {', '.join(map(repr, unknown))}"
            raise ConfigurationError(f"the roles of the adapter {name}: {expected}")
        return not self._roles.isdisjoint(roles)

    async def ping(self) -> None:
        """Raise if any object is unhealthy."""
        for _, made in self._opened:
            await _call(made, "ping")

    async def close(self) -> None:
        """Close all objects in reverse order; failures are logged and do not stop the others from closing."""
        while self._opened:
            name, made = self._opened.pop()
            try:
                await _call(made, "close")
            except Exception:
                _log.exception("could not close %s", name)


async def _call(made: Any, method: str) -> None:
    bound = getattr(made, method, None)
    if inspect.iscoroutinefunction(bound) and not inspect.signature(bound).parameters:
        await bound()
