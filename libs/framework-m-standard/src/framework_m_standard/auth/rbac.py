"""`RbacPermission`: port `PermissionProtocol` by the roles in `Meta.permissions` and `Meta.field_levels`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from framework_m_core.domain.context import ADMINISTRATOR, RequestContext
from framework_m_core.domain.documents.doctype import FRAMEWORK_FIELDS
from framework_m_core.domain.documents.meta import FieldLevel, Scope
from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.domain.filters.matching import compile_predicate
from framework_m_core.domain.filters.row_scopes import with_field_kinds
from framework_m_core.domain.filters.tree import EVERYTHING, Comparison, Filter, UserAttribute
from framework_m_core.interfaces.permission import (
    DecisionSource,
    Grant,
    PolicyEvaluateRequest,
    PolicyEvaluateResult,
)
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_core.registry.handle import RegistryHandle

__all__ = ["RbacPermission"]

type _Levels = Mapping[int, FieldLevel]

_WRITING: Final = frozenset({"create", "write", "amend"})


class RbacPermission:
    """Permissions by a principal's roles.

    A grant varies by roles alone: its row scope refers to the caller by `UserAttribute`.
    """

    def __init__(self, registry_handle: RegistryHandle) -> None:
        self._registry_handle = registry_handle

    async def grant(self, context: RequestContext, doctype: str, action: str) -> Grant | None:
        """Return the grant of the caller's roles, if any. Raises DocTypeNotFoundError."""
        registry = self._registry_handle.pin(context).registry
        return _grant(registry.get(doctype), context.principal.roles, action)

    async def evaluate(self, request: PolicyEvaluateRequest) -> PolicyEvaluateResult:
        """Decide on one document by the row scope of the grant."""
        documents = (request.document,)
        return (await self.evaluate_many(request.context, request.doctype, request.action, documents))[0]

    async def evaluate_many(
        self, context: RequestContext, doctype: str, action: str, documents: Sequence[Mapping[str, Any]]
    ) -> Sequence[PolicyEvaluateResult]:
        """Decide on documents by the row scope of one grant, bound once."""
        grant = await self.grant(context, doctype, action)
        if grant is None:
            return [PolicyEvaluateResult(False, f"{doctype}.{action}", DecisionSource.RBAC)] * len(documents)
        holds = compile_predicate(grant.bind(context.principal))
        yes, no = (PolicyEvaluateResult(one, grant.rule, DecisionSource.RBAC) for one in (True, False))
        return [yes if holds(document) else no for document in documents]


def _grant(plan: CompiledDocType, roles: frozenset[str], action: str) -> Grant | None:
    given: Mapping[str, Scope] = {ADMINISTRATOR: "all"} if ADMINISTRATOR in roles else plan.meta.scopes_of(action)
    by = sorted(roles & given.keys())
    if not by:
        return None
    scopes = tuple(_scope(plan, given[role]) for role in by)
    if EVERYTHING in scopes:
        scopes = (EVERYTHING,)
    writable = _fields(plan, roles, _may_write) if action in _WRITING else frozenset()
    readable = _fields(plan, roles, _may_read).union(FRAMEWORK_FIELDS)
    return Grant(scopes, readable, writable, f"{plan.name}.{action}:{','.join(by)}")


def _scope(plan: CompiledDocType, declared: Scope) -> Filter:
    if declared == "all":
        return EVERYTHING
    return with_field_kinds(_own(plan) if declared == "own" else declared, plan.specs)


def _own(plan: CompiledDocType) -> Filter:
    field = plan.meta.rls_field or "owner"
    if field in {"id", "owner"} or plan.links.get(field) == "User":
        return Comparison(field, "eq", UserAttribute("id"))
    return Comparison(field, "in", UserAttribute(field))


def _fields(
    plan: CompiledDocType, roles: frozenset[str], may: Callable[[FieldSpec, _Levels, frozenset[str]], bool]
) -> frozenset[str]:
    """Return the fields and columns that `may` allows; columns need their table to be allowed too."""
    own = {name for name in plan.fields if may(plan.fields[name], plan.meta.field_levels, roles)}
    rows = {
        f"{table}.{name}"
        for table, child in plan.children.items()
        for name, spec in child.fields.items()
        if table in own and may(spec, child.meta.field_levels, roles)
    }
    return frozenset(own | rows)


def _may_read(spec: FieldSpec, levels: _Levels, roles: frozenset[str]) -> bool:
    if spec.permlevel == 0 or ADMINISTRATOR in roles:
        return True
    return spec.permlevel in levels and not roles.isdisjoint(levels[spec.permlevel].read)


def _may_write(spec: FieldSpec, levels: _Levels, roles: frozenset[str]) -> bool:
    if spec.read_only or spec.fetch_from:
        return False
    if spec.permlevel == 0 or ADMINISTRATOR in roles:
        return True
    return spec.permlevel in levels and not roles.isdisjoint(levels[spec.permlevel].write)
