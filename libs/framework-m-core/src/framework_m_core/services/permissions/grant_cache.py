"""`GrantCache`: decisions about one DocType, each kept for all callers who are equal in what it varies by."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from framework_m_core.domain.context import RequestContext
from framework_m_core.interfaces.permission import ATTRIBUTES, BY_ROLES, Grant

__all__ = ["Decision", "GrantCache"]

type Decision = tuple[Grant | None, float | None]
"""A grant or a denial, and when it expires."""

_MAX_DECISIONS: Final = 10_000
"""Decisions, and grants of them, kept per DocType."""


class GrantCache:
    """The decisions about one DocType. Those that vary by roles alone are in `by_roles`, for the hot path."""

    def __init__(self) -> None:
        self.by_roles: dict[tuple[frozenset[str], str], Decision] = {}
        self._others: dict[frozenset[str] | None, dict[tuple[Hashable, ...], Decision]] = {}
        self._grants: dict[Grant, Grant] = {}

    def find(self, context: RequestContext, action: str, now: float) -> Decision | None:
        """Return an unexpired decision that was made for this caller, or for one equal in what it varies by."""
        for varies_by, decisions in self._others.items():
            found = decisions.get((action, *_caller(context, varies_by)))
            if found is not None and (found[1] is None or found[1] > now):
                return found
        return None

    def keep(self, context: RequestContext, action: str, grant: Grant | None, expires: float | None) -> Grant | None:
        """Keep a decision, and return the grant, as one object for all equal ones: others are prepared per object.

        A denial does not say what it varies by, so it is kept for its caller alone.
        """
        if self._is_full():
            self._clear()
        if grant is None:
            self._others.setdefault(None, {})[action, *_caller(context, None)] = (None, expires)
            return None
        grant = self._grants.setdefault(grant, grant)
        if grant.varies_by == BY_ROLES:
            self.by_roles[context.principal.roles, action] = (grant, expires)
        else:
            self._others.setdefault(grant.varies_by, {})[action, *_caller(context, grant.varies_by)] = (grant, expires)
        return grant

    def _is_full(self) -> bool:
        decisions = len(self.by_roles) + sum(map(len, self._others.values()))
        return max(decisions, len(self._grants)) >= _MAX_DECISIONS

    def _clear(self) -> None:
        self.by_roles.clear()
        self._others.clear()
        self._grants.clear()


def _caller(context: RequestContext, varies_by: frozenset[str] | None) -> tuple[Hashable, ...]:
    """Return what a caller is by these names, or by all that a decision may vary by."""
    who = context.principal
    if varies_by is None:
        attributes = tuple((name, tuple(values)) for name, values in sorted(who.attributes.items()))
        return (who.roles, who.id, context.tenant, attributes)
    return tuple(_part(context, name) for name in sorted(varies_by))


def _part(context: RequestContext, name: str) -> Hashable:
    match name:
        case "roles":
            return context.principal.roles
        case "user":
            return context.principal.id
        case "tenant":
            return context.tenant
        case _:
            return tuple(context.principal.attributes.get(name.removeprefix(ATTRIBUTES), ()))
