"""`FakePermission`: port `PermissionProtocol`, granting everything or what a test specifies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from framework_m_core.domain.context import ADMINISTRATOR, GUEST, Principal, RequestContext
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.filters.matching import matches
from framework_m_core.domain.filters.tree import EVERYTHING, Filter
from framework_m_core.interfaces.permission import (
    DecisionSource,
    Grant,
    PolicyEvaluateRequest,
    PolicyEvaluateResult,
)
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.handle import RegistryHandle

__all__ = ["FakePermission"]

_RULE: Final = "fake"


class FakePermission:
    """Grants every logged-in caller all actions within a scope, and all fields, except writing read-only ones.

    With `rules`, scopes by action and role for every DocType, only these are granted, and fields above level 0 are
    reserved for the roles in `trusted`. With `decide`, each document is also decided individually, as by a remote
    engine. While `failure` is set, every call raises it.
    """

    def __init__(
        self,
        registries: RegistryHandle,
        scope: Filter = EVERYTHING,
        decide: Callable[[PolicyEvaluateRequest], bool] | None = None,
        *,
        rules: Mapping[str, Mapping[str, Filter]] | None = None,
        trusted: Collection[str] = (),
    ) -> None:
        self.failure: Exception | None = None
        self._registries = registries
        self._context = scope
        self._decide = decide
        self._rules = rules
        self._trusted = frozenset({*trusted, ADMINISTRATOR})

    async def grant(self, context: RequestContext, doctype: str, action: str) -> Grant | None:
        """Return the grant of an action, the same for all logged-in callers or by role, if any."""
        if self.failure is not None:
            raise self.failure
        plan: CompiledDocType = self._registries.pin(context).registry.get(doctype)
        principal = context.principal
        scopes = self._scopes_for(principal, action)
        if not scopes:
            return None
        everywhere = self._rules is None or not self._trusted.isdisjoint(principal.roles)
        fields = {name: spec for name, spec in _paths(plan).items() if everywhere or spec.permlevel == 0}
        readable = frozenset({*fields, *(name for name in plan.columns if name not in plan.fields)})
        writable = frozenset(name for name, spec in fields.items() if not spec.read_only)
        return Grant(scopes, readable, writable, _RULE, evaluate=self._decide is not None)

    async def evaluate(self, request: PolicyEvaluateRequest) -> PolicyEvaluateResult:
        """Authorize the request if the grant covers the document and `decide` allows it."""
        grant = await self.grant(request.context, request.doctype, request.action)
        covered = grant is not None and matches(grant.bind(request.principal), request.document)
        allowed = covered and (self._decide is None or self._decide(request))
        return PolicyEvaluateResult(allowed, _RULE, DecisionSource.REMOTE)

    def _scopes_for(self, principal: Principal, action: str) -> tuple[Filter, ...]:
        if self._rules is None:
            return () if principal.is_anonymous else (self._context,)
        if ADMINISTRATOR in principal.roles:
            return (EVERYTHING,)
        given = self._rules.get(action, {})
        return tuple(given[role] for role in sorted(given.keys() & (principal.roles | {GUEST})))


def _paths(plan: CompiledDocType) -> dict[str, FieldSpec]:
    """Return the declared fields, those of child rows as `items.rate`."""
    rows = {f"{child.field}.{name}": spec for child in plan.children.values() for name, spec in child.fields.items()}
    return {**plan.fields, **rows}
