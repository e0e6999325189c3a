"""`PermissionService`: grants for a context, cached per set of roles so that the hot path is a lookup."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.errors import AuthenticationError, ConfigurationError, NoGrantError, OutsideScopeError
from framework_m_core.domain.filters.format import filter_text
from framework_m_core.domain.filters.matching import Predicate, predicate
from framework_m_core.domain.filters.tree import Filter
from framework_m_core.domain.row_scopes import scope_problems, typed_scope, unite
from framework_m_core.interfaces.permission import Grant, PermissionProtocol, PolicyEvaluateRequest
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived

__all__ = ["PermissionService"]

_log = logging.getLogger(__name__)

type _Grants = dict[tuple[frozenset[str], str], tuple[Grant | None, float | None]]
"""The grants of one DocType by roles and action, each with its expiry."""

_MOST_OF_DOCTYPE = 1_000
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
        self._grants: Derived[CompiledDocType, _Grants] = Derived(lambda _: {})

    async def find(self, context: RequestContext, plan: CompiledDocType, action: str) -> Grant | None:
        """Return the grant of an action, if any, cached per set of roles."""
        grants, key = self._grants.of(plan), (context.principal.roles, action)
        known = grants.get(key)
        if known is not None and (known[1] is None or known[1] > self._now()):
            return known[0]
        grant = _typed(plan, await self._engine.grant(context, plan.name, action))
        if len(grants) >= _MOST_OF_DOCTYPE:
            grants.clear()
        kept_for = grant.ttl if grant else _REFUSAL_SECONDS
        grants[key] = (grant, None if kept_for is None else self._now() + kept_for)
        return grant

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
            return f"{who} may {what}, but not this document: the permission engine refuses it"
        declared, here = filter_text(unite(grant.scopes)), filter_text(bound.tree)
        where = declared if declared == here else f"{declared}, here {here}"
        return f"{who} may {what}, but not this document: the scope of {grant.rule} is {where}"


def _typed(plan: CompiledDocType, grant: Grant | None) -> Grant | None:
    """Return the engine's grant with user attributes in its scopes typed by the fields' kinds.

    Raises ConfigurationError for an unusable scope.
    """
    if grant is None:
        return None
    problems = [problem for scope in grant.scopes for problem in scope_problems(scope, plan.column_specs)]
    if problems:
        raise ConfigurationError(f"the permission engine's scope {grant.rule} cannot be used:", problems)
    scopes = tuple(typed_scope(scope, plan.specs) for scope in grant.scopes)
    return grant if scopes == grant.scopes else replace(grant, scopes=scopes)
