"""`FakePermission`: port `PermissionProtocol`, granting everything or what a test says."""

from __future__ import annotations

from collections.abc import Callable

from framework_m_core.domain.filters import EVERYTHING, Filter
from framework_m_core.domain.scope import Principal
from framework_m_core.interfaces.permission import (
    DecisionSource,
    Grant,
    PolicyEvaluateRequest,
    PolicyEvaluateResult,
)
from framework_m_core.registry.plans import DocTypePlan
from framework_m_core.registry.snapshot import Snapshot

__all__ = ["FakePermission"]


class FakePermission:
    """Grants every action with a scope, all fields readable and all but the read-only writable.

    With `decide`, each single document is put to it as well, as a remote engine would.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        scope: Filter = EVERYTHING,
        decide: Callable[[PolicyEvaluateRequest], bool] | None = None,
    ) -> None:
        self._snapshot = snapshot
        self._scope = scope
        self._decide = decide

    async def grant(self, principal: Principal, doctype: str, action: str) -> Grant | None:
        """The same leave for everybody who has logged in."""
        if principal.is_anonymous:
            return None
        plan = self._snapshot.get(doctype)
        rows = frozenset(f"{child.field}.{name}" for child in plan.children.values() for name in child.fields)
        readable = frozenset({*plan.columns, *plan.children, *rows})
        return Grant(self._scope, readable, _writable(plan) | rows, "fake", evaluate=self._decide is not None)

    async def evaluate(self, request: PolicyEvaluateRequest) -> PolicyEvaluateResult:
        """What `decide` says."""
        allowed = self._decide is None or self._decide(request)
        return PolicyEvaluateResult(allowed, "fake", DecisionSource.REMOTE)


def _writable(plan: DocTypePlan) -> frozenset[str]:
    return frozenset(name for name, spec in plan.fields.items() if not spec.read_only)
