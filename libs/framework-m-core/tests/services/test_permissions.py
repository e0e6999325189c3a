"""`PermissionService`: what is kept of an engine's answers and for how long, and which error its no becomes."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from itertools import product
from typing import Any

import pytest

from framework_m_core.domain.context import ANONYMOUS, Principal, RequestContext
from framework_m_core.domain.errors import AuthenticationError, ConfigurationError, NoGrantError, OutsideScopeError
from framework_m_core.domain.filters.tree import NOTHING, Comparison, Or, UserAttribute
from framework_m_core.interfaces.permission import DecisionSource, Grant, PolicyEvaluateRequest, PolicyEvaluateResult
from framework_m_core.services.permissions.service import PermissionService
from tests.errors import assert_names, names_all

from .conftest import SHELF, THING, grant_of, stored

OWN = Comparison("owner", "eq", UserAttribute("id"))


class Engine:
    """Answers as told, and notes what it was asked."""

    def __init__(
        self,
        response: Grant | None = None,
        *,
        authorized: bool = True,
        source: DecisionSource = DecisionSource.CUSTOM,
    ) -> None:
        self.response = response
        self.authorized = authorized
        self.source = source
        self.asked: list[tuple[str, str, str]] = []
        self.evaluated: list[PolicyEvaluateRequest] = []
        self.batches: list[int] = []
        self.numbers: Collection[int] = ()

    async def grant(self, context: RequestContext, doctype: str, action: str) -> Grant | None:
        self.asked.append((context.principal.id, doctype, action))
        return self.response

    async def evaluate(self, request: PolicyEvaluateRequest) -> PolicyEvaluateResult:
        self.evaluated.append(request)
        return PolicyEvaluateResult(self.authorized, "engine", self.source)

    async def evaluate_many(
        self, context: RequestContext, doctype: str, action: str, documents: Sequence[Mapping[str, Any]]
    ) -> Sequence[PolicyEvaluateResult]:
        self.batches.append(len(documents))
        given = [one["number"] in self.numbers for one in documents]
        return [PolicyEvaluateResult(one, "engine", self.source) for one in given]


class Time:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def _person(id: str = "ada", *roles: str, **others: Any) -> Principal:
    return Principal(id, frozenset({*roles, "Guest"}), **others)


@pytest.fixture
def time() -> Time:
    return Time()


async def test_a_grant_is_asked_for_once_per_roles_doctype_and_action(time: Time) -> None:
    engine = Engine(grant_of())
    permissions = PermissionService(engine, time)
    for _ in range(2):
        for principal in (_person("ada", "Clerk"), _person("bob", "Clerk"), _person("eve", "Boss")):
            for plan, action in ((THING, "read"), (THING, "write"), (SHELF, "read")):
                found = await permissions.find(RequestContext(principal), plan, action)
                assert found is engine.response, (principal, plan, action)
        time.seconds += 1_000_000
    asked = [("Thing", "read"), ("Thing", "write"), ("Shelf", "read")]
    assert engine.asked == [(who, *what) for who in ("ada", "eve") for what in asked]


@pytest.mark.parametrize(
    ("varies_by", "asked"),
    [
        ({"roles"}, 2),
        ({"user"}, 2),
        ({"tenant"}, 2),
        ({"attributes.region"}, 2),
        ({"attributes.desk"}, 1),
        ({"roles", "user"}, 4),
        ({"roles", "tenant", "attributes.region"}, 8),
        ({"roles", "user", "tenant", "attributes.region"}, 16),
        (set(), 1),
    ],
)
async def test_a_grant_is_kept_for_all_who_are_equal_in_what_it_varies_by(varies_by: set[str], asked: int) -> None:
    engine = Engine(grant_of(varies_by=frozenset(varies_by)))
    permissions = PermissionService(engine)
    for _ in range(2):
        for id, role, region, tenant in product(("ada", "bob"), ("Clerk", "Boss"), ("N", "S"), (None, "north")):
            context = RequestContext(_person(id, role, attributes={"region": (region,)}), tenant)
            assert await permissions.find(context, THING, "read") is engine.response
    assert len(engine.asked) == asked


async def test_grants_of_one_doctype_may_vary_by_different_things() -> None:
    class ByRole(Engine):
        async def grant(self, context: RequestContext, doctype: str, action: str) -> Grant | None:
            await super().grant(context, doctype, action)
            who = context.principal
            if "Boss" in who.roles:
                return grant_of(rule="boss")
            own = Comparison("owner", "eq", who.id)
            return grant_of(scopes=(own,), rule=who.id, varies_by=frozenset({"roles", "user"}))

    engine = ByRole()
    permissions = PermissionService(engine)
    people = [_person("ada", "Boss"), _person("bob", "Boss"), _person("ada", "Clerk"), _person("bob", "Clerk")]
    for _ in range(2):
        grants = [await permissions.require_grant(RequestContext(one), THING, "read") for one in people]
        assert [grant.rule for grant in grants] == ["boss", "boss", "ada", "bob"]
    assert len(engine.asked) == 3


async def test_a_grant_that_expires_is_asked_for_anew_whatever_it_varies_by(time: Time) -> None:
    engine = Engine(grant_of(ttl=5.0, varies_by=frozenset({"user"})))
    permissions = PermissionService(engine, time)
    for passed in (0.0, 4.9, 0.1):
        time.seconds += passed
        await permissions.find(RequestContext(_person()), THING, "read")
    assert len(engine.asked) == 2


async def test_equal_grants_are_one_object_so_that_reads_are_prepared_once() -> None:
    class Anew(Engine):
        async def grant(self, context: RequestContext, doctype: str, action: str) -> Grant | None:
            return grant_of(varies_by=frozenset({"user"}))

    permissions = PermissionService(Anew())
    grants = [await permissions.find(RequestContext(_person(id)), THING, "read") for id in ("ada", "bob")]
    assert grants[0] is grants[1]


async def test_a_denial_is_for_its_caller_alone() -> None:
    """It does not say what it varies by: another caller with these roles may have a grant."""

    class ForAda(Engine):
        async def grant(self, context: RequestContext, doctype: str, action: str) -> Grant | None:
            await super().grant(context, doctype, action)
            ada = context.principal.id == "ada" and context.tenant == "north"
            return grant_of(varies_by=frozenset({"user", "tenant"})) if ada else None

    engine = ForAda()
    permissions = PermissionService(engine)
    for _ in range(2):
        assert await permissions.find(RequestContext(_person("bob"), "north"), THING, "read") is None
        assert await permissions.find(RequestContext(_person("ada"), "south"), THING, "read") is None
        assert await permissions.find(RequestContext(_person("ada"), "north"), THING, "read")
    assert len(engine.asked) == 3


async def test_a_grant_that_varies_by_something_unknown_is_refused() -> None:
    permissions = PermissionService(Engine(grant_of(varies_by=frozenset({"role", "user"}))))
    with pytest.raises(ConfigurationError, match=r"attributes\.<name>, got role$"):
        await permissions.find(RequestContext(_person()), THING, "read")


async def test_many_documents_are_decided_at_once_and_in_bounds() -> None:
    engine = Engine()
    engine.numbers = range(0, 1_000, 3)
    permissions, context = PermissionService(engine), RequestContext(_person("ada"))
    grant = grant_of(scopes=(OWN,), evaluate=True)
    documents = [stored(THING, number=number, owner=("ada", "bob")[number % 2]) for number in range(1_000)]
    expected = [number % 6 == 0 for number in range(1_000)]
    assert await permissions.covers_each(context, THING, "read", grant, documents) == expected
    assert engine.batches == [200, 200, 100], "documents outside the scope are not asked about"
    assert await permissions.covers_each(context, THING, "read", grant, documents[1::2]) == [False] * 500
    assert await permissions.covers_each(context, THING, "read", grant_of(scopes=(OWN,)), documents[:2]) == [
        True,
        False,
    ]
    assert engine.batches == [200, 200, 100]


async def test_an_engine_that_answers_too_few_opens_nothing() -> None:
    class Silent(Engine):
        async def evaluate_many(self, *asked: Any) -> Sequence[PolicyEvaluateResult]:
            return []

    with pytest.raises(ValueError, match="shorter"):
        await PermissionService(Silent()).covers_each(
            RequestContext(_person()), THING, "read", grant_of(evaluate=True), [stored(THING)]
        )


async def test_a_denial_is_asked_again_after_a_second(time: Time) -> None:
    engine = Engine(None)
    permissions = PermissionService(engine, time)
    assert await permissions.find(RequestContext(_person()), THING, "read") is None
    engine.response = grant_of()
    time.seconds += 0.9
    assert await permissions.find(RequestContext(_person()), THING, "read") is None
    time.seconds += 0.1
    assert await permissions.find(RequestContext(_person()), THING, "read") is engine.response
    assert len(engine.asked) == 2


async def test_a_grant_is_kept_for_its_time_to_live(time: Time) -> None:
    engine = Engine(grant_of(ttl=5.0))
    permissions = PermissionService(engine, time)
    for passed in (0.0, 4.9, 0.1, 4.9):
        time.seconds += passed
        assert await permissions.find(RequestContext(_person()), THING, "read") is engine.response, time.seconds
    assert len(engine.asked) == 2
    engine.response = None
    time.seconds += 5
    assert await permissions.find(RequestContext(_person()), THING, "read") is None


async def test_a_grant_with_no_time_to_live_is_asked_for_each_time(time: Time) -> None:
    engine = Engine(grant_of(ttl=0.0))
    permissions = PermissionService(engine, time)
    for _ in range(3):
        assert await permissions.find(RequestContext(_person()), THING, "read")
    assert len(engine.asked) == 3


async def test_an_engine_that_fails_grants_nothing_and_is_asked_again(time: Time) -> None:
    class Broken(Engine):
        async def grant(self, context: RequestContext, doctype: str, action: str) -> Grant | None:
            await super().grant(context, doctype, action)
            raise ConnectionError("away")

    engine = Broken()
    permissions = PermissionService(engine, time)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            await permissions.require_grant(RequestContext(_person()), THING, "read")
    assert len(engine.asked) == 2


async def test_without_a_grant_anonymous_callers_log_in_and_others_are_refused() -> None:
    permissions = PermissionService(Engine(None))
    with pytest.raises(AuthenticationError):
        await permissions.require_grant(RequestContext(ANONYMOUS), THING, "write")
    with pytest.raises(NoGrantError) as refused:
        await permissions.require_grant(RequestContext(_person()), THING, "write")
    assert refused.value.details == {"rule": "Thing.write", "doctype": "Thing"}


async def test_a_grant_serves_anonymous_callers_too() -> None:
    engine = Engine(grant_of())
    assert await PermissionService(engine).require_grant(RequestContext(ANONYMOUS), THING, "read") is engine.response


def test_a_scope_is_bound_to_each_caller() -> None:
    permissions, grant = PermissionService(Engine()), grant_of(scopes=(Or((OWN,)),))
    ada, bob = _person("ada"), _person("bob")
    bound = [permissions.bind_scope(grant, principal) for principal in (ada, bob, ada)]
    assert bound == [Or((Comparison("owner", "eq", id),)) for id in ("ada", "bob", "ada")]
    other = grant_of(scopes=(NOTHING,))
    assert permissions.bind_scope(other, ada) == NOTHING


def test_callers_of_one_id_and_other_attributes_are_not_mistaken_for_each_other() -> None:
    grant = grant_of(scopes=(Comparison("text", "in", UserAttribute("towns")),))
    permissions = PermissionService(Engine())
    given = [("North",), ("South", "West")]
    bound = [permissions.bind_scope(grant, _person(attributes={"towns": towns})) for towns in given]
    assert bound == [Comparison("text", "in", towns) for towns in given]
    assert permissions.bind_scope(grant, _person()) == NOTHING


@pytest.mark.parametrize(("floors", "covered"), [(("3", "4"), True), (("4",), False), (("three",), False), ((), False)])
async def test_the_callers_values_are_of_the_kind_of_the_field_whoever_grants(
    floors: tuple[str, ...], covered: bool
) -> None:
    permissions = PermissionService(Engine(grant_of(scopes=(Comparison("number", "in", UserAttribute("floors")),))))
    context = RequestContext(_person(attributes={"floors": floors}))
    grant = await permissions.require_grant(context, THING, "read")
    assert await permissions.covers(context, THING, "read", grant, stored(THING, number=3)) is covered


@pytest.mark.parametrize(
    "tree",
    [
        Comparison("gone", "eq", 1),
        Comparison("number", "like", UserAttribute("floors")),
        Comparison("price", "ne", UserAttribute("floors")),
    ],
)
async def test_an_engines_scope_that_cannot_be_used_grants_nothing(tree: Comparison) -> None:
    permissions = PermissionService(Engine(grant_of(scopes=(Or((tree,)),))))
    with pytest.raises(ConfigurationError) as refused:
        await permissions.find(RequestContext(_person()), THING, "read")
    assert_names(refused.value, "permission engine's scope", "a test")


@pytest.mark.parametrize(("owner", "covered"), [("ada", True), ("bob", False)])
async def test_a_grant_covers_the_documents_of_its_scope(owner: str, covered: bool) -> None:
    engine = Engine()
    permissions, context = PermissionService(engine), RequestContext(_person("ada"))
    assert (
        await permissions.covers(context, THING, "read", grant_of(scopes=(OWN,)), stored(THING, owner=owner)) is covered
    )
    assert engine.evaluated == []


@pytest.mark.parametrize("authorized", [True, False])
async def test_an_engine_that_decides_by_document_is_asked_about_each(authorized: bool) -> None:
    engine = Engine(authorized=authorized)
    permissions, context = PermissionService(engine), RequestContext(_person("ada"))
    documents = [stored(THING), stored(THING), stored(THING, number=5)]
    grant = grant_of(evaluate=True)
    decided = [await permissions.covers(context, THING, "write", grant, document) for document in documents]
    assert decided == [authorized] * 3
    request = PolicyEvaluateRequest(context, "Thing", "write", stored(THING))
    assert engine.evaluated[:2] == [request] * 2
    assert [one.document["number"] for one in engine.evaluated] == [None, None, 5]


async def test_an_engine_is_not_asked_about_documents_outside_the_scope() -> None:
    engine = Engine()
    grant = grant_of(scopes=(OWN,), evaluate=True)
    covers = await PermissionService(engine).covers(
        RequestContext(_person("ada")), THING, "read", grant, stored(THING, owner="bob")
    )
    assert (covers, engine.evaluated) == (False, [])


async def test_a_document_outside_the_scope_is_refused_with_the_rule() -> None:
    permissions, context = PermissionService(Engine()), RequestContext(_person("ada"))
    grant = grant_of(scopes=(OWN,), rule="Thing.write:Clerk")
    await permissions.require_covered(context, THING, "write", grant, stored(THING, owner="ada"))
    with pytest.raises(OutsideScopeError) as refused:
        await permissions.require_covered(context, THING, "write", grant, stored(THING, owner="bob"))
    assert refused.value.details == {"rule": "Thing.write:Clerk", "doctype": "Thing"}


async def test_why_a_document_is_refused_is_told_to_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "framework_m_core.services.permissions.service")
    context = RequestContext(_person(attributes={"shelf": ("a",)}))
    grant = grant_of(scopes=(Comparison("owner", "in", UserAttribute("shelf")),))
    with pytest.raises(OutsideScopeError) as refused:
        await PermissionService(Engine()).require_covered(context, THING, "create", grant, stored(THING, owner="eve"))
    assert_names(refused.value, "create", "Thing")
    assert not any(names_all(refused.value, name) for name in ("owner", "shelf", "eve", "a test"))
    [told] = caplog.messages
    assert_names(told, "ada", "create", "Thing", "a test", "owner in the caller's shelf", "owner in ('a'")


@pytest.mark.parametrize("source", DecisionSource)
async def test_the_log_tells_which_rule_of_which_kind_of_policy_denied(
    source: DecisionSource, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "framework_m_core.services.permissions.service")
    context, grant = RequestContext(_person()), grant_of(evaluate=True)
    engine = Engine(authorized=False, source=source)
    with pytest.raises(OutsideScopeError):
        await PermissionService(engine).require_covered(context, THING, "write", grant, stored(THING, owner="eve"))
    assert len(engine.evaluated) == 1
    assert caplog.messages == [f"ada may write Thing, but not this document: denied by the rule engine ({source})"]
