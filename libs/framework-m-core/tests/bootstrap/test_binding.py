"""Which adapter is bound: config, else the variant of highest priority, else the default; what is undecided is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.binding import (
    STORE_FAMILY,
    VARIANTS,
    Binding,
    Variant,
    find_variants,
    resolve_bindings,
)
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.ports import ADAPTERS
from tests.errors import assert_names

MONGO = Variant("mongo", "framework-mx-mongo", 10, {"store": "mongo", "cache": "mongo"})
REDIS = Variant("redis", "acme-redis", 10, {"cache": "redis"})
OFFERED = ("default", "framework-m-standard"), ("mongo", "framework-mx-mongo"), ("redis", "acme-redis")


def discovered(*more: tuple[str, str]) -> Discovered:
    """Every port has the adapters offered; the cache has more."""
    choices = tuple(Choice(name, f"{name}:Adapter", distribution) for name, distribution in OFFERED)
    added = tuple(Choice(name, f"{name}:Another", distribution) for name, distribution in more)
    entries = {f"{ADAPTERS}{port}": choices for port in STORE_FAMILY}
    return Discovered({**entries, f"{ADAPTERS}cache": (*choices, *added)})


def cache(*variants: Variant, config: Mapping[str, str] | None = None, known: Discovered | None = None) -> Binding:
    bindings = resolve_bindings(config or {}, variants, known or discovered())
    return next(binding for binding in bindings if binding.port == "cache")


def error(*variants: Variant, config: Mapping[str, str] | None = None, known: Discovered | None = None) -> str:
    with pytest.raises(ConfigurationError) as refused:
        resolve_bindings(config or {}, variants, known or discovered())
    [error] = refused.value.errors
    return error


def test_config_outranks_variants_and_these_the_default() -> None:
    assert cache().choice.name == "default"
    bound = cache(REDIS)
    assert (bound.choice.name, bound.source, bound.outranked) == ("redis", "variant redis", ("default (default)",))
    assert cache(REDIS, config={"cache": "mongo"}).choice.name == "mongo"


def test_two_variants_of_one_priority_that_choose_one_port_stop_the_start() -> None:
    assert_names(error(MONGO, REDIS), "10", "'cache'", "framework-mx-mongo", "acme-redis")
    assert_names(error(MONGO, REDIS), 'cache = "mongo" or "redis"', "[adapters]")


def test_two_stores_of_one_priority_are_told_once_and_not_for_each_port() -> None:
    other = Variant("acme", "acme-store", 10, {"store": "redis"})
    assert_names(error(MONGO, other), "10", "'store'", "framework-mx-mongo", "acme-store")


def test_config_decides_between_variants_of_one_priority() -> None:
    assert cache(MONGO, REDIS, config={"cache": "redis"}).choice.distribution == "acme-redis"


def test_another_priority_or_another_port_is_no_tie() -> None:
    stronger = Variant("acme", "acme-redis", 11, {"cache": "redis"})
    assert cache(stronger, MONGO).outranked == ("mongo (variant mongo)", "default (default)")
    assert cache(Variant("stored", "acme-store", 10, {"store": "mongo"}), REDIS).choice.name == "redis"


def test_two_distributions_that_offer_one_name_are_both_named() -> None:
    known = discovered(("redis", "other-redis"))
    assert_names(error(REDIS, known=known), "acme-redis", "other-redis", "'redis'", "[adapters] cache")
    assert cache(known=known).choice.name == "default"
    assert cache(REDIS, config={"cache": "mongo"}, known=known).choice.name == "mongo"


def store(**offering: Sequence[str]) -> Discovered:
    """A store called acme, whose ports are offered by these distributions, the rest by acme-store."""
    default = discovered()
    entries = {group: [*default.find_choices(group)] for group in default.find_groups(ADAPTERS)}
    for port in STORE_FAMILY:
        for distribution in offering.get(port, ("acme-store",)):
            entries[f"{ADAPTERS}{port}"].append(Choice("acme", f"{port}:Acme", distribution))
    return Discovered({group: tuple(choices) for group, choices in entries.items()})


def test_a_store_is_bound_as_a_family() -> None:
    bindings = resolve_bindings({"store": "acme"}, [], store())
    assert {one.port for one in bindings if one.choice.distribution == "acme-store"} == set(STORE_FAMILY)


@pytest.mark.parametrize(
    ("offering", "named"),
    [
        ({"reader": ()}, ["lacks", "reader"]),
        ({"reader": (), "outbox": ()}, ["reader", "outbox"]),
        ({"reader": ("other-store",)}, ["mixed", "reader", "acme-store", "other-store"]),
        (dict.fromkeys(STORE_FAMILY, ("acme-store", "other-store")), ["acme-store", "other-store", "both"]),
    ],
    ids=["one port missing", "two ports missing", "mixed", "two packages of one name"],
)
def test_a_store_that_is_no_family_is_told_once(offering: dict[str, Sequence[str]], named: list[str]) -> None:
    assert_names(error(config={"store": "acme"}, known=store(**offering)), "store", "'acme'", *named)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"cash": "default"}, ["[adapters]", "cash", "'cache'"]),
        ({"reader": "mongo"}, ["[adapters]", "reader", "'store'"]),
        ({"session": "default"}, ["[adapters]", "session"]),
    ],
    ids=["unknown", "of a store", "without adapters"],
)
def test_config_that_chooses_for_no_port_is_told(config: dict[str, str], named: list[str]) -> None:
    assert_names(error(config=config), *named)


@pytest.mark.parametrize(("port", "named"), [("cash", "'cache'"), ("outbox", "'store'")])
def test_a_variant_that_chooses_for_no_port_is_told(port: str, named: str) -> None:
    wrong = Variant("acme", "acme-mx", 10, {port: "acme"})
    assert_names(error(wrong), "variant 'acme' of acme-mx", port, named)


def test_adapters_of_a_port_that_nobody_has_are_told_with_their_package() -> None:
    known = discovered()
    entries = {group: known.find_choices(group) for group in known.find_groups(ADAPTERS)}
    offered = {f"{ADAPTERS}cash": (Choice("acme", "acme:Cache", "acme-cache"),)}
    assert_names(error(known=Discovered({**entries, **offered})), "'acme' of acme-cache", "cash", "'cache'")
    declared = {"framework_m.ports": (Choice("cash", "shop:Cash", "shop"),)}
    bindings = resolve_bindings({"cash": "acme"}, [], Discovered({**entries, **offered, **declared}))
    assert next(one for one in bindings if one.port == "cash").choice.distribution == "acme-cache"


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"adapters": {"cache": "redis"}, "priority": "high"}, "expected an integer 'priority', got 'high'"),
        ({"adapters": {}, "priority": None}, "expected an integer 'priority', got None"),
        ({"priority": 1}, "expected a mapping with 'adapters'"),
        (["cache"], "expected a mapping with 'adapters'"),
    ],
)
def test_a_variant_that_is_none_names_its_distribution(
    mapping: object, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "load", lambda choice: mapping)
    known = Discovered({VARIANTS: (Choice("acme", "acme.variant:VARIANT", "acme-redis"),)})
    with pytest.raises(ConfigurationError) as refused:
        find_variants(known)
    assert_names(refused.value, "variant 'acme' of acme-redis", said)


def test_variants_are_sorted_by_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {"weak": {"adapters": {}}, "strong": {"adapters": {}, "priority": 2, "replaces": ["sync_schema"]}}
    monkeypatch.setattr(discovery, "load", lambda choice: declared[choice.name])
    known = Discovered({VARIANTS: tuple(Choice(name, f"{name}:V", name) for name in declared)})
    assert [(variant.name, variant.priority, variant.replaces) for variant in find_variants(known)] == [
        ("strong", 2, ("sync_schema",)),
        ("weak", 0, ()),
    ]
