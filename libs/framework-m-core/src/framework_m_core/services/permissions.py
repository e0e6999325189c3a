"""`PermissionService`: grants for a context, cached by what they vary by so that the hot path is a lookup."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import AuthenticationError, ConfigurationError, NoGrantError, OutsideScopeError
from framework_m_core.domain.filters.format import filter_text
from framework_m_core.domain.filters.matching import Predicate, predicate
from framework_m_core.domain.filters.tree import Filter
from framework_m_core.domain.row_scopes import scope_problems, typed_scope, unite
from framework_m_core.interfaces.permission import (
    ATTRIBUTES,
    MOST_EVALUATED,
    Grant,
    PermissionProtocol,
    PolicyEvaluateRequest,
)
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.services.grant_cache import GrantCache

__all__ = ["PermissionService"]

_log = logging.getLogger(__name__)

_VARIES_BY: Final = frozenset({"roles", "user", "tenant"})
_MOST_BOUND = 10_000
_REFUSAL_SECONDS = 1.0
"""How long a refusal is cached: it carries no TTL, and an engine in another process may soon decide otherwise."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """A grant's row scope for one caller, as a filter tree and as a predicate."""

    grant: Grant
    principal: Principal
    tree: Filter
    holds: Predicate


class PermissionService:
    """Decisions of the permission engine, with refusals turned into the right errors."""

    def __init__(self, permission: PermissionProtocol, now: Callable[[], float] = time.monotonic) -> None:
        self._engine = permission
        self._now = now
        self._bound: dict[tuple[int, int], _Bound] = {}
        self._grants: Derived[CompiledDocType, GrantCache] = Derived(lambda _: GrantCache())

    async def find(self, context: RequestContext, plan: CompiledDocType, action: str) -> Grant | None:
        """Return the grant of an action, if any, cached for the callers who are equal in what it varies by."""
        grants = self._grants.of(plan)
        known = grants.by_roles.get((context.principal.roles, action))
        if known is not None and (known[1] is None or known[1] > self._now()):
            return known[0]
        known = grants.find(context, action, self._now())
        if known is not None:
            return known[0]
        grant = _checked(plan, await self._engine.grant(context, plan.name, action))
        kept_for = grant.ttl if grant else _REFUSAL_SECONDS
        return grants.keep(context, action, grant, None if kept_for is None else self._now() + kept_for)

    async def require(self, context: RequestContext, plan: CompiledDocType, action: str) -> Grant:
        """Return the grant of an action. Without one, raises AuthenticationError if anonymous, else NoGrantError."""
        grant = await self.find(context, plan, action)
        if grant is not None:
            return grant
        if context.principal.is_anonymous:
            raise AuthenticationError()
        raise NoGrantError(
            f"none of your roles may {action} {plan.name}", rule=f"{plan.name}.{action}", doctype=plan.name
        )

    def bound_scope(self, grant: Grant, principal: Principal) -> Filter:
        """Return the grant's row scope with the caller's values, cached per caller."""
        return self._bind(grant, principal).tree

    def _bind(self, grant: Grant, principal: Principal) -> _Bound:
        key = (id(grant), id(principal))
        known = self._bound.get(key)
        if known is not None and known.grant is grant and known.principal is principal:
            return known
        if len(self._bound) >= _MOST_BOUND:
            self._bound.clear()
        tree = grant.bind(principal)
        self._bound[key] = bound = _Bound(grant, principal, tree, predicate(tree))
        return bound

    async def covers(
        self, context: RequestContext, plan: CompiledDocType, action: str, grant: Grant, document: Mapping[str, Any]
    ) -> bool:
        """Return whether a grant covers a document, given as stored values."""
        if not self._bind(grant, context.principal).holds(document):
            return False
        if not grant.evaluate:
            return True
        request = PolicyEvaluateRequest(context, plan.name, action, document)
        return (await self._engine.evaluate(request)).authorized

    async def covers_each(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        action: str,
        grant: Grant,
        documents: Sequence[Mapping[str, Any]],
    ) -> list[bool]:
        """Return for each document what `covers` would, asking the engine about many at once."""
        holds = self._bind(grant, context.principal).holds
        covered = [bool(holds(document)) for document in documents]
        if not grant.evaluate:
            return covered
        places = [place for place, within in enumerate(covered) if within]
        for start in range(0, len(places), MOST_EVALUATED):
            some = places[start : start + MOST_EVALUATED]
            asked = [documents[place] for place in some]
            results = await self._engine.evaluate_many(context, plan.name, action, asked)
            for place, result in zip(some, results, strict=True):
                covered[place] = result.authorized
        return covered

    async def demand(
        self, context: RequestContext, plan: CompiledDocType, action: str, grant: Grant, document: Mapping[str, Any]
    ) -> None:
        """Raise OutsideScopeError unless the grant covers the document; the reason is only logged."""
        if not await self.covers(context, plan, action, grant, document):
            if _log.isEnabledFor(logging.DEBUG):
                _log.debug("%s", self._reason(context, plan, action, grant, document))
            raise OutsideScopeError(
                f"you may {action} {plan.name}, but not this document", rule=grant.rule, doctype=plan.name
            )

    def _reason(
        self, context: RequestContext, plan: CompiledDocType, action: str, grant: Grant, document: Mapping[str, Any]
    ) -> str:
        bound = self._bind(grant, context.principal)
        who, what = context.principal.email or context.principal.id, f"{action} {plan.name}"
        if bound.holds(document):
            return f"{who} may {what}, but not this document: the permission engine denies it"
        declared, here = filter_text(unite(grant.scopes)), filter_text(bound.tree)
        where = declared if declared == here else f"{declared}, here {here}"
        return f"{who} may {what}, but not this document: the scope of {grant.rule} is {where}"


def _checked(plan: CompiledDocType, grant: Grant | None) -> Grant | None:
    """Return the engine's grant with user attributes in its scopes typed by the fields' kinds.

    Raises ConfigurationError for an unusable scope, or if it varies by something that no caller has.
    """
    if grant is None:
        return None
    unknown = sorted(name for name in grant.varies_by - _VARIES_BY if not name.startswith(ATTRIBUTES))
    if unknown:
        expected = f"expected {', '.join(sorted(_VARIES_BY))} or {ATTRIBUTES}<name>, got {', '.join(unknown)}"
        raise ConfigurationError(f"the permission engine's grant {grant.rule} has an invalid varies_by: {expected}")
    problems = [problem for scope in grant.scopes for problem in scope_problems(scope, plan.column_specs)]
    if problems:
        raise ConfigurationError(f"the permission engine's scope {grant.rule} is not valid:", problems)
    scopes = tuple(typed_scope(scope, plan.specs) for scope in grant.scopes)
    return grant if scopes == grant.scopes else replace(grant, scopes=scopes)
