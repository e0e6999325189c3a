"""`FakePermission`: port `PermissionProtocol`, granting everything or what a test specifies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from framework_m_core.domain.context import ADMINISTRATOR, Principal, RequestContext
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.filters.matching import compile_predicate
from framework_m_core.domain.filters.row_scopes import bind_scopes
from framework_m_core.domain.filters.tree import EVERYTHING, NOTHING, Filter
from framework_m_core.interfaces.permission import (
    BY_ROLES,
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
    engine. With `attributes`, each grant is for one caller: its scope holds the caller's id and these attributes, as
    from an engine that returns finished filters. While `failure` is set, every call raises it.

    `asked` lists the number of documents of each question.
    """

    def __init__(
        self,
        registry_handle: RegistryHandle,
        scope: Filter = EVERYTHING,
        decide: Callable[[PolicyEvaluateRequest], bool] | None = None,
        *,
        rules: Mapping[str, Mapping[str, Filter]] | None = None,
        trusted: Collection[str] = (),
        attributes: Collection[str] | None = None,
    ) -> None:
        self.failure: Exception | None = None
        self.asked: list[int] = []
        self._attributes = attributes
        self._registry_handle = registry_handle
        self._scope = scope
        self._decide = decide
        self._rules = rules
        self._trusted = frozenset({*trusted, ADMINISTRATOR})

    async def grant(self, context: RequestContext, doctype: str, action: str) -> Grant | None:
        """Return the grant of an action, the same for all logged-in callers or by role, if any."""
        if self.failure is not None:
            raise self.failure
        plan: CompiledDocType = self._registry_handle.pin(context).registry.get(doctype)
        principal = context.principal
        scopes = self._scopes_for(principal, action)
        if not scopes:
            return None
        everywhere = self._rules is None or not self._trusted.isdisjoint(principal.roles)
        fields = {name: spec for name, spec in _paths(plan).items() if everywhere or spec.permlevel == 0}
        readable = frozenset({*fields, *(name for name in plan.columns if name not in plan.fields)})
        writable = frozenset(name for name, spec in fields.items() if not spec.read_only)
        varies_by = BY_ROLES
        if self._attributes is not None:
            scopes = (bind_scopes(scopes, principal),)
            varies_by |= {"user", *(f"attributes.{name}" for name in self._attributes)}
        return Grant(scopes, readable, writable, _RULE, evaluate=self._decide is not None, varies_by=varies_by)

    async def evaluate(self, request: PolicyEvaluateRequest) -> PolicyEvaluateResult:
        """Authorize the request if the grant covers the document and `decide` allows it."""
        documents = (request.document,)
        return (await self.evaluate_many(request.context, request.doctype, request.action, documents))[0]

    async def evaluate_many(
        self, context: RequestContext, doctype: str, action: str, documents: Sequence[Mapping[str, Any]]
    ) -> Sequence[PolicyEvaluateResult]:
        """Authorize the documents that the grant covers and `decide` allows."""
        grant = await self.grant(context, doctype, action)
        self.asked.append(len(documents))
        holds = compile_predicate(grant.bind(context.principal) if grant else NOTHING)
        requests = [PolicyEvaluateRequest(context, doctype, action, document) for document in documents]
        allowed = [holds(one.document) and (self._decide is None or self._decide(one)) for one in requests]
        return [PolicyEvaluateResult(one, _RULE, DecisionSource.CUSTOM) for one in allowed]

    def _scopes_for(self, principal: Principal, action: str) -> tuple[Filter, ...]:
        if self._rules is None:
            return () if principal.is_anonymous else (self._scope,)
        if ADMINISTRATOR in principal.roles:
            return (EVERYTHING,)
        given = self._rules.get(action, {})
        return tuple(given[role] for role in sorted(given.keys() & principal.roles))


def _paths(plan: CompiledDocType) -> dict[str, FieldSpec]:
    """Return the declared fields, those of child rows as `items.rate`."""
    rows = {f"{child.field}.{name}": spec for child in plan.children.values() for name, spec in child.fields.items()}
    return {**plan.fields, **rows}
