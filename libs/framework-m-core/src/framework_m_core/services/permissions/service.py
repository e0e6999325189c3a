"""`PermissionService`: grants for a context, cached by what they vary by, so that the hot path is a lookup."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.documents.doctype import VERSION_FIELD
from framework_m_core.domain.errors import AuthenticationError, ConfigurationError, NoGrantError, OutsideScopeError
from framework_m_core.domain.filters.format import format_filter
from framework_m_core.domain.filters.matching import Predicate, compile_predicate
from framework_m_core.domain.filters.row_scopes import check_scope, unite, with_field_kinds
from framework_m_core.domain.filters.tree import Filter
from framework_m_core.interfaces.permission import (
    ATTRIBUTES,
    MAX_EVALUATED,
    Grant,
    PermissionProtocol,
    PolicyEvaluateRequest,
    PolicyEvaluateResult,
)
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.derived import Derived
from framework_m_core.services.permissions.grant_cache import GrantCache

__all__ = ["PermissionService"]

_log = logging.getLogger(__name__)

_VARIES_BY: Final = frozenset({"roles", "user", "tenant"})
_SELECTED: Final = frozenset({"id", "name", VERSION_FIELD})
"""What is read of a document to select it, beside its title."""

_MAX_BOUND = 10_000
_DENIAL_SECONDS = 1.0
"""How long a denial is cached: it carries no TTL, and an engine in another process may soon decide otherwise."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """A grant's row scope for one caller, as a filter tree and as a predicate."""

    grant: Grant
    principal: Principal
    tree: Filter
    holds: Predicate


class PermissionService:
    """Decisions of the permission engine, with denials turned into the right errors."""

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
        grant = _prepare(plan, action, await self._engine.grant(context, plan.name, action))
        kept_for = grant.ttl if grant else _DENIAL_SECONDS
        return grants.keep(context, action, grant, None if kept_for is None else self._now() + kept_for)

    async def find_known(self, context: RequestContext, doctypes: Iterable[str]) -> frozenset[str]:
        """Return the DocTypes that may be named to the caller, who has a grant for any action on them."""
        plans = [context.registry.get(name) for name in doctypes]
        return frozenset([plan.name for plan in plans if await self._is_known(context, plan)])

    async def _is_known(self, context: RequestContext, plan: CompiledDocType) -> bool:
        for action in context.registry.actions:
            if await self.find(context, plan, action) is not None:
                return True
        return False

    async def require_grant(self, context: RequestContext, plan: CompiledDocType, action: str) -> Grant:
        """Return the grant of an action. Without one, raises AuthenticationError if anonymous, else NoGrantError."""
        grant = await self.find(context, plan, action)
        if grant is not None:
            return grant
        if context.principal.is_anonymous:
            raise AuthenticationError()
        raise NoGrantError(
            f"none of your roles may {action} {plan.name}", rule=f"{plan.name}.{action}", doctype=plan.name
        )

    def bind_scope(self, grant: Grant, principal: Principal) -> Filter:
        """Return the grant's row scope with the caller's values, cached per caller."""
        return self._bind(grant, principal).tree

    def _bind(self, grant: Grant, principal: Principal) -> _Bound:
        key = (id(grant), id(principal))
        known = self._bound.get(key)
        if known is not None and known.grant is grant and known.principal is principal:
            return known
        if len(self._bound) >= _MAX_BOUND:
            self._bound.clear()
        tree = grant.bind(principal)
        self._bound[key] = bound = _Bound(grant, principal, tree, compile_predicate(tree))
        return bound

    async def covers(
        self, context: RequestContext, plan: CompiledDocType, action: str, grant: Grant, document: Mapping[str, Any]
    ) -> bool:
        """Return whether a grant covers a document, given as stored values."""
        covered = self._bind(grant, context.principal).holds(document)
        if not covered or not grant.evaluate:
            return bool(covered)
        return (await self._engine.evaluate(PolicyEvaluateRequest(context, plan.name, action, document))).authorized

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
        for start in range(0, len(places), MAX_EVALUATED):
            some = places[start : start + MAX_EVALUATED]
            asked = [documents[place] for place in some]
            results = await self._engine.evaluate_many(context, plan.name, action, asked)
            for place, result in zip(some, results, strict=True):
                covered[place] = result.authorized
        return covered

    async def require_covered(
        self, context: RequestContext, plan: CompiledDocType, action: str, grant: Grant, document: Mapping[str, Any]
    ) -> None:
        """Raise OutsideScopeError unless the grant covers the document; the reason is only logged."""
        denial: PolicyEvaluateResult | None = None
        covered = self._bind(grant, context.principal).holds(document)
        if covered and grant.evaluate:
            result = await self._engine.evaluate(PolicyEvaluateRequest(context, plan.name, action, document))
            covered, denial = result.authorized, result
        if not covered:
            if _log.isEnabledFor(logging.DEBUG):
                _log.debug("%s", self._reason(context, plan, action, grant, denial))
            raise OutsideScopeError(
                f"you may {action} {plan.name}, but not this document", rule=grant.rule, doctype=plan.name
            )

    def _reason(
        self,
        context: RequestContext,
        plan: CompiledDocType,
        action: str,
        grant: Grant,
        denial: PolicyEvaluateResult | None,
    ) -> str:
        principal = context.principal
        denied = f"{principal.email or principal.id} may {action} {plan.name}, but not this document"
        if denial is not None:
            return f"{denied}: denied by the rule {denial.rule} ({denial.decision_source})"
        declared, here = format_filter(unite(grant.scopes)), format_filter(self.bind_scope(grant, principal))
        where = declared if declared == here else f"{declared}, here {here}"
        return f"{denied}: the scope of {grant.rule} is {where}"


def _prepare(plan: CompiledDocType, action: str, grant: Grant | None) -> Grant | None:
    """Return the engine's grant with user attributes in its scopes typed by the fields' kinds.

    Those who may only select documents read what tells these apart.

    Raises ConfigurationError for an unusable scope, or if it varies by something that no caller has.
    """
    if grant is None:
        return None
    unknown = sorted(name for name in grant.varies_by - _VARIES_BY if not name.startswith(ATTRIBUTES))
    if unknown:
        expected = f"expected {', '.join(sorted(_VARIES_BY))} or {ATTRIBUTES}<name>, got {', '.join(unknown)}"
        raise ConfigurationError(f"the permission engine's grant {grant.rule} has an invalid varies_by: {expected}")
    errors = [error for scope in grant.scopes for error in check_scope(scope, plan.column_specs)]
    if errors:
        raise ConfigurationError(f"the permission engine's scope {grant.rule} is not valid:", errors)
    scopes = tuple(with_field_kinds(scope, plan.specs) for scope in grant.scopes)
    readable = grant.readable & {*_SELECTED, plan.meta.title_field} if action == "select" else grant.readable
    return (
        grant
        if (scopes, readable) == (grant.scopes, grant.readable)
        else replace(grant, scopes=scopes, readable=readable)
    )
