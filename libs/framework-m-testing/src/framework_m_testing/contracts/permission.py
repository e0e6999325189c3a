"""The contract of `PermissionProtocol`, whatever its policy engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import pytest

from framework_m_core.domain.context import ADMINISTRATOR, ANONYMOUS, GUEST, Principal, RequestContext
from framework_m_core.domain.documents.doctype import FRAMEWORK_FIELDS
from framework_m_core.domain.errors import DocTypeNotFoundError, FrameworkError
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.filters.matching import matches
from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or, UserAttribute
from framework_m_core.interfaces.permission import (
    ATTRIBUTES,
    MAX_EVALUATED,
    DecisionSource,
    Grant,
    PermissionProtocol,
    PolicyEvaluateRequest,
)
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.registry import Registry
from framework_m_testing.contracts.contract import Contract
from framework_m_testing.fakes.doctype import FakeDocType

__all__ = ["RULES", "TRUSTED", "Matter", "MatterRow", "PermissionContract", "build_permission_registry"]

_OWN = Comparison("owner", "eq", UserAttribute("id"))

RULES: Final[Mapping[str, Mapping[str, Filter]]] = {
    "read": {
        "Boss": And(),
        "Clerk": _OWN,
        "Teammate": Comparison("team", "in", UserAttribute("teams")),
        "Reviewer": Comparison("status", "ne", "closed"),
        "Outsider": Or((Not(Comparison("team", "in", UserAttribute("teams"))), Comparison("status", "eq", "shared"))),
        GUEST: Comparison("status", "eq", "public"),
    },
    "create": {"Clerk": _OWN},
    "write": {"Boss": And(), "Clerk": _OWN},
}
"""The rules for a `Matter`: scopes by action and role. Everything else is reserved for the administrator."""

TRUSTED: Final = "Boss"
"""The role that may read and write the fields above level 0."""

_LEVELS: Final = {1: {"read": [TRUSTED], "write": [TRUSTED]}}


class MatterRow(FakeDocType):
    """A row of a matter."""

    what: str = ""
    cost: int = Field(default=0, permlevel=1)

    class Meta:
        is_child_table = True
        field_levels = _LEVELS


class Matter(FakeDocType):
    """What the rules are about; it declares them, for engines that read declarations."""

    status: str = "open"
    team: str = ""
    note: str = Field(default="", permlevel=1)
    total: int = Field(default=0, read_only=True)
    rows: list[MatterRow] = []

    class Meta:
        permissions = {action: dict(scopes) for action, scopes in RULES.items()}
        field_levels = _LEVELS


def build_permission_registry() -> Registry:
    """Return a registry of the DocTypes that the rules apply to."""
    builder = RegistryBuilder()
    for doctype in (MatterRow, Matter):
        builder.add_doctype(doctype, "matters")
    return builder.freeze()


_EVERY_FIELD: Final = {"status", "team", "note", "total", "rows", "rows.what", "rows.cost"}
_SECRET: Final = {"note", "rows.cost"}
_ME, _OTHER = "me", "other"
_VARIES: Final = {"roles", "user", "tenant"}


class PermissionContract(Contract):
    """The contract of `PermissionProtocol`.

    Provide fixtures: `engine`, over `build_permission_registry()`, configured with `RULES` and `TRUSTED`; `unable`,
    engines that cannot reach their policies (empty if the adapter needs no remote policies).
    """

    @pytest.mark.parametrize(
        ("roles", "action"),
        [((), "write"), (("Unheard of",), "write"), (("boss",), "write"), (("Clerk",), "delete"), (("Boss",), "fly")],
    )
    async def test_who_is_given_nothing_gets_none(
        self, engine: PermissionProtocol, roles: tuple[str, ...], action: str
    ) -> None:
        """Only the named role has a grant, in its exact spelling, and only for the named action."""
        for principal in (_person(*roles), Principal("", frozenset(roles))):
            assert await engine.grant(RequestContext(principal), "Matter", action) is None
            request = PolicyEvaluateRequest(RequestContext(principal), "Matter", action, _matter(owner=principal.id))
            assert not (await engine.evaluate(request)).authorized

    @pytest.mark.parametrize("action", ["read", "create", "write", "delete", "submit"])
    async def test_the_administrator_may_do_everything(self, engine: PermissionProtocol, action: str) -> None:
        """The administrator may perform every action on every document and field."""
        administrator = _person(ADMINISTRATOR)
        grant = await engine.grant(RequestContext(administrator), "Matter", action)
        assert await _covers(engine, administrator, action, _matter(status="closed"))
        assert grant is not None
        assert grant.readable >= _EVERY_FIELD

    @pytest.mark.parametrize(
        ("roles", "document", "expected"),
        [
            (("Boss",), {}, True),
            (("Clerk",), {}, False),
            (("Clerk",), {"owner": _ME}, True),
            (("Teammate",), {"team": "South"}, True),
            (("Teammate",), {"team": "West"}, False),
            (("Teammate",), {"team": ""}, False),
            (("Reviewer",), {}, True),
            (("Reviewer",), {"status": "closed"}, False),
            ((), {}, False),
            ((), {"status": "public"}, True),
            (("Clerk",), {"status": "public"}, True),
            (("Clerk", "Teammate"), {"owner": _ME, "team": "West"}, True),
            (("Clerk", "Teammate"), {"team": "North"}, True),
            (("Clerk", "Teammate"), {"team": "West"}, False),
            (("Clerk", "Boss"), {}, True),
        ],
    )
    async def test_a_grant_covers_what_any_of_the_roles_may_see(
        self, engine: PermissionProtocol, roles: tuple[str, ...], document: Mapping[str, Any], expected: bool
    ) -> None:
        """The grants of several roles add up; everybody is also a guest."""
        assert await _covers(engine, _person(*roles), "read", _matter(**document)) is expected

    async def test_everybody_has_what_guests_have(self, engine: PermissionProtocol) -> None:
        """Named and anonymous callers have the guests' permissions, and nobody owns a document without an owner."""
        nobody = Principal("", frozenset({"Clerk"}))
        for guest in (ANONYMOUS, Principal(_ME, frozenset({"Teammate"}))):
            assert await _covers(engine, guest, "read", _matter(status="public"))
        assert not await _covers(engine, ANONYMOUS, "read", _matter(owner=""))
        assert not await _covers(engine, nobody, "read", _matter(owner=""))

    @pytest.mark.parametrize("status", ["open", "shared"])
    async def test_a_scope_is_empty_as_a_whole_for_who_lacks_what_it_names(
        self, engine: PermissionProtocol, status: str
    ) -> None:
        """A scope matches nothing if the caller lacks an attribute that it names; scopes of other roles still apply.

        Otherwise a negated condition would match everything.
        """
        document = _matter(team="West", status=status)
        assert await _covers(engine, _person("Outsider"), "read", document)
        for attributes in ({}, {"teams": ()}, {"others": ("North",)}):
            lacking = Principal(_ME, frozenset({"Outsider", "Reviewer"}), attributes=attributes)
            assert await _covers(engine, lacking, "read", document)
            alone = Principal(_ME, frozenset({"Outsider"}), attributes=attributes)
            assert not await _covers(engine, alone, "read", document)
            assert await _covers(engine, alone, "read", _matter(status="public"))

    @pytest.mark.parametrize("action", ["read", "write"])
    async def test_a_grant_is_the_same_for_all_who_are_equal_in_what_it_varies_by(
        self, engine: PermissionProtocol, action: str
    ) -> None:
        """A grant is given to every other caller with these roles, this id, tenant or attribute, if it names them."""
        callers = [*_callers(), *_callers()]
        grants = [await engine.grant(context, "Matter", action) for context in callers]
        for context, grant in zip(callers, grants, strict=True):
            if grant is None:
                continue
            assert [name for name in grant.varies_by if name not in _VARIES and not name.startswith(ATTRIBUTES)] == []
            mine = _varying(context, grant.varies_by)
            same = [one for other, one in zip(callers, grants, strict=True) if _varying(other, grant.varies_by) == mine]
            assert len({*same}) == 1  # cached grants are looked up by hash

    @pytest.mark.parametrize(("roles", "secret"), [(("Clerk",), False), (("Boss",), True), (("Clerk", "Boss"), True)])
    async def test_fields_above_level_0_are_for_who_is_given_them(
        self, engine: PermissionProtocol, roles: tuple[str, ...], secret: bool
    ) -> None:
        """Only trusted roles have fields above level 0, also in child rows.

        Everybody reads the framework's fields; nobody writes them or read-only fields.
        """
        reading, writing = [
            await engine.grant(RequestContext(_person(*roles)), "Matter", action) for action in ("read", "write")
        ]
        assert reading is not None
        assert writing is not None
        expected = _EVERY_FIELD if secret else _EVERY_FIELD - _SECRET
        assert reading.readable == expected | {*FRAMEWORK_FIELDS}
        assert writing.writable == expected - {"total"}

    @pytest.mark.parametrize(
        ("roles", "action"),
        [
            ((), "read"),
            (("Clerk",), "read"),
            (("Clerk", "Teammate"), "read"),
            (("Boss",), "write"),
            (("Clerk",), "delete"),
        ],
    )
    async def test_many_documents_are_decided_as_each_alone(
        self, engine: PermissionProtocol, roles: tuple[str, ...], action: str
    ) -> None:
        """The results are those of the single questions, in the order of the documents; none asked, none answered."""
        context = RequestContext(_person(*roles))
        varied = [
            _matter(owner=owner, status=status, team=team)
            for owner in (_ME, _OTHER)
            for status in ("open", "public")
            for team in ("", "South", "West")
        ]
        documents = [varied[place % len(varied)] for place in range(MAX_EVALUATED)]
        found = await engine.evaluate_many(context, "Matter", action, documents)
        alone = [await engine.evaluate(PolicyEvaluateRequest(context, "Matter", action, one)) for one in varied]
        assert list(found) == [alone[place % len(varied)] for place in range(MAX_EVALUATED)]
        assert list(await engine.evaluate_many(context, "Matter", action, [])) == []

    async def test_a_grant_names_its_rule(self, engine: PermissionProtocol) -> None:
        """Grants and results for documents, denials too, name their rule and kind of policy, for the log."""
        person = _person("Clerk")
        grant = await engine.grant(RequestContext(person), "Matter", "read")
        assert grant is not None
        assert grant.rule
        for action in ("read", "delete"):
            request = PolicyEvaluateRequest(RequestContext(person), "Matter", action, _matter())
            [result] = await engine.evaluate_many(request.context, "Matter", action, [request.document])
            for one in (result, await engine.evaluate(request)):
                assert one.rule
                assert isinstance(one.decision_source, DecisionSource)

    async def test_a_document_that_lacks_what_decides_is_not_given(self, engine: PermissionProtocol) -> None:
        """A document without the deciding fields is denied or raises; a missing field is never taken for a value."""
        for role in ("Clerk", "Teammate", "Reviewer"):
            request = PolicyEvaluateRequest(RequestContext(_person(role)), "Matter", "read", {})
            try:
                result = await engine.evaluate(request)
            except (FrameworkError, LookupError):
                continue
            assert not result.authorized, role

    async def test_what_cannot_be_decided_raises(
        self, engine: PermissionProtocol, unable: Sequence[PermissionProtocol]
    ) -> None:
        """An unknown DocType or unreachable policies raise an error, even for the administrator."""
        administrator = _person(ADMINISTRATOR)
        with pytest.raises(DocTypeNotFoundError):
            await engine.grant(RequestContext(administrator), "Nothing", "read")
        with pytest.raises(DocTypeNotFoundError):
            await engine.evaluate(PolicyEvaluateRequest(RequestContext(administrator), "Nothing", "read", {}))
        with pytest.raises(DocTypeNotFoundError):
            await engine.evaluate_many(RequestContext(administrator), "Nothing", "read", [{}])
        for one in unable:
            with pytest.raises(FrameworkError):
                await one.grant(RequestContext(administrator), "Matter", "read")
            with pytest.raises(FrameworkError):
                await one.evaluate(PolicyEvaluateRequest(RequestContext(administrator), "Matter", "read", _matter()))
            with pytest.raises(FrameworkError):
                await one.evaluate_many(RequestContext(administrator), "Matter", "read", [_matter()])


def _person(*roles: str) -> Principal:
    return Principal(_ME, frozenset(roles), "me@example.com", {"teams": ("North", "South")})


def _callers() -> list[RequestContext]:
    """Return callers of which many are equal in some, but not in all that a grant may vary by."""
    return [
        RequestContext(Principal(id, frozenset(roles), f"{id}@example.com", {"teams": teams, "desk": desk}), tenant)
        for roles in (("Clerk",), ("Clerk", "Teammate", "Reviewer"), ("Boss",))
        for id in (_ME, _OTHER)
        for teams in (("North", "South"), ("West",))
        for desk in (("1",), ("2",))
        for tenant in (None, "north")
    ]


def _varying(context: RequestContext, varies_by: Collection[str]) -> dict[str, object]:
    """Return what a caller is by these names."""
    who = context.principal
    values: dict[str, object] = {"roles": who.roles, "user": who.id, "tenant": context.tenant}
    values.update({f"{ATTRIBUTES}{name}": value for name, value in who.attributes.items()})
    return {name: values.get(name, ()) for name in varies_by}


def _matter(**values: Any) -> dict[str, Any]:
    """Return a stored matter, by default with another owner."""
    return {"owner": _OTHER, "status": "open", "team": "", "note": "", "total": 0, "rows": [], **values}


async def _covers(engine: PermissionProtocol, principal: Principal, action: str, document: Mapping[str, Any]) -> bool:
    """Return whether the caller's grant covers a document.

    `evaluate` must agree with the grant, or may be narrower if the grant requires evaluation.
    """
    grant: Grant | None = await engine.grant(RequestContext(principal), "Matter", action)
    within = grant is not None and matches(grant.bind(principal), document)
    response = await engine.evaluate(PolicyEvaluateRequest(RequestContext(principal), "Matter", action, document))
    if grant is not None and grant.evaluate:
        return within and response.authorized
    assert response.authorized is within
    return within
