"""Port `PermissionProtocol`: what a principal may do to the documents of a DocType."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol

from framework_m_core.domain.context import Principal, RequestContext
from framework_m_core.domain.filters.row_scopes import bind_scopes
from framework_m_core.domain.filters.tree import Filter

__all__ = [
    "ATTRIBUTES",
    "BY_ROLES",
    "MAX_EVALUATED",
    "DecisionSource",
    "Grant",
    "PermissionProtocol",
    "PolicyEvaluateRequest",
    "PolicyEvaluateResult",
]

ATTRIBUTES: Final = "attributes."
"""The prefix of a user attribute's name in `Grant.varies_by`."""

BY_ROLES: Final = frozenset({"roles"})

MAX_EVALUATED: Final = 200
"""The number of documents that an engine is asked about at once."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Permission for one action on one DocType.

    `scopes` are the row scopes, one per role, with `UserAttribute` standing for the caller's values; a document needs
    to match one. They stay separate because a scope matches nothing if the caller lacks a value that it names.
    `readable` and `writable` name fields, those of child rows as `items.rate`; `rule` names the source of the
    permission. With `evaluate`, every document is also checked by `PermissionProtocol.evaluate` or `evaluate_many`.

    `varies_by` names what of the caller the grant depends on: `roles`, `user` (the id), `tenant`, and attributes as
    `attributes.region`. For `ttl` seconds (None: until the DocType changes) it is given to all callers equal in these.
    """

    scopes: tuple[Filter, ...]
    readable: frozenset[str]
    writable: frozenset[str]
    rule: str
    ttl: float | None = None
    evaluate: bool = False
    varies_by: frozenset[str] = BY_ROLES

    def __repr__(self) -> str:
        fields = f"{len(self.readable)} readable, {len(self.writable)} writable fields"
        return f"<Grant by {self.rule!r}: {len(self.scopes)} row scopes, {fields}>"

    def bind(self, principal: Principal) -> Filter:
        """Return the filter of the documents that the scopes grant to a caller."""
        return bind_scopes(self.scopes, principal)


class DecisionSource(StrEnum):
    """What kind of policy decided: by roles, by attributes, by relations, by several of these, or another."""

    RBAC = "rbac"
    ABAC = "abac"
    REBAC = "rebac"
    COMBO = "combo"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class PolicyEvaluateRequest:
    """A request to decide whether a caller may do an action to one document, given as stored values by field."""

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
    """The engine's decision, with the rule and the kind of policy that decided, which the log tells of a refusal."""

    authorized: bool
    rule: str
    decision_source: DecisionSource


class PermissionProtocol(Protocol):
    """Decides by role (`grant`) and, if the grant says so, by document (`evaluate`).

    Contract: None from `grant` means denied; an engine that cannot decide raises and never grants by default. Callers
    equal in what a grant varies by get an equal grant for the same DocType and action, because it is cached by these;
    grants are hashable. The DocType is that of the context's registry. Permissions of several roles add up, and
    Administrator may do everything; principals hold the automatic roles already. Raises DocTypeNotFoundError.
    """

    async def grant(self, context: RequestContext, doctype: str, action: str) -> Grant | None:
        """Return the caller's permission, if any."""
        ...

    async def evaluate(self, request: PolicyEvaluateRequest) -> PolicyEvaluateResult:
        """Decide about one document within the grant's scope; documents outside it are never authorized."""
        ...

    async def evaluate_many(
        self, context: RequestContext, doctype: str, action: str, documents: Sequence[Mapping[str, Any]]
    ) -> Sequence[PolicyEvaluateResult]:
        """Decide about at most `MAX_EVALUATED` documents, in their order, each as `evaluate` would."""
        ...
