"""Port `PermissionProtocol`: what a principal may do to the documents of a DocType."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.filters.tree import Filter
from framework_m_core.domain.row_scopes import bind_scopes

__all__ = ["DecisionSource", "Grant", "PermissionProtocol", "PolicyEvaluateRequest", "PolicyEvaluateResult"]


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave for one action on one DocType.

    `scopes` say on which documents, any of them being enough, with `UserAttribute` standing for the caller: one for
    each role, because a scope is empty as a whole where the caller lacks a value that it names. `readable` and
    `writable` name fields, those of child rows as `items.rate`; `rule` names where the leave comes from. A grant may be
    kept for `ttl` seconds (None: for as long as the DocType is what it is) per set of roles. With `evaluate` every
    single document is also put to `PermissionProtocol.evaluate`.
    """

    scopes: tuple[Filter, ...]
    readable: frozenset[str]
    writable: frozenset[str]
    rule: str
    ttl: float | None = None
    evaluate: bool = False

    def bind(self, principal: Principal) -> Filter:
        """Return the documents that the scopes give a caller."""
        return bind_scopes(self.scopes, principal)


class DecisionSource(StrEnum):
    """Which kind of engine decided."""

    RBAC = "rbac"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True)
class PolicyEvaluateRequest:
    """May this caller do this to this one document, given as stored values by field?"""

    context: RequestContext
    doctype: str
    action: str
    document: Mapping[str, Any]

    @property
    def principal(self) -> Principal:
        """The caller."""
        return self.context.principal


@dataclass(frozen=True, slots=True)
class PolicyEvaluateResult:
    """The engine's answer and the rule that decided."""

    authorized: bool
    rule: str
    decision_source: DecisionSource


class PermissionProtocol(Protocol):
    """Decides by role (`grant`) and, where the grant says so, by document (`evaluate`).

    Contract: None from `grant` means no; an engine that cannot decide raises, and never grants by default. A grant
    depends on roles, DocType and action alone, because it is kept by these; the DocType is that of the context's
    registry. Several roles give what any of them gives, everybody has the role Guest, and Administrator may do
    everything. Raises DocTypeNotFoundError.
    """

    async def grant(self, context: RequestContext, doctype: str, action: str) -> Grant | None:
        """The leave that the caller's roles give, if any."""
        ...

    async def evaluate(self, request: PolicyEvaluateRequest) -> PolicyEvaluateResult:
        """Decides about one document, within the grant's scope: what is outside is never authorized."""
        ...
