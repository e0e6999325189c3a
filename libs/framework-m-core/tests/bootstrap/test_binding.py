"""Which adapter is bound: config, else the variant of highest priority, else the default; what is undecided is told."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.binding import (
    STORE_FAMILY,
    VARIANTS,
    Binding,
    Variant,
    installed_variants,
    resolve_bindings,
)
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.ports import ADAPTERS

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


def refusal(*variants: Variant, config: Mapping[str, str] | None = None, known: Discovered | None = None) -> str:
    with pytest.raises(ConfigurationError) as refused:
        resolve_bindings(config or {}, variants, known or discovered())
    [problem] = refused.value.problems
    return problem


def test_config_outranks_variants_and_these_the_default() -> None:
    assert cache().choice.name == "default"
    bound = cache(REDIS)
    assert (bound.choice.name, bound.source, bound.outranked) == ("redis", "variant redis", ("default (default)",))
    assert cache(REDIS, config={"cache": "mongo"}).choice.name == "mongo"


def test_two_variants_of_one_priority_that_choose_one_port_stop_the_start() -> None:
    assert refusal(MONGO, REDIS) == (
        "two variants of priority 10 choose 'cache': framework-mx-mongo and acme-redis: "
        'write cache = "mongo" or "redis" under [adapters]'
    )


def test_two_stores_of_one_priority_are_told_once_and_not_for_each_port() -> None:
    other = Variant("acme", "acme-store", 10, {"store": "redis"})
    assert refusal(MONGO, other).startswith("two variants of priority 10 choose 'store': framework-mx-mongo and acme-")


def test_config_decides_between_variants_of_one_priority() -> None:
    assert cache(MONGO, REDIS, config={"cache": "redis"}).choice.distribution == "acme-redis"


def test_another_priority_or_another_port_is_no_tie() -> None:
    stronger = Variant("acme", "acme-redis", 11, {"cache": "redis"})
    assert cache(stronger, MONGO).outranked == ("mongo (variant mongo)", "default (default)")
    assert cache(Variant("stored", "acme-store", 10, {"store": "mongo"}), REDIS).choice.name == "redis"


def test_two_distributions_that_offer_one_name_are_both_named() -> None:
    known = discovered(("redis", "other-redis"))
    assert refusal(REDIS, known=known) == (
        "cache: acme-redis and other-redis both offer 'redis': uninstall one, or name another under [adapters] cache"
    )
    assert cache(known=known).choice.name == "default"
    assert cache(REDIS, config={"cache": "mongo"}, known=known).choice.name == "mongo"


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
    with pytest.raises(ConfigurationError, match="variant 'acme' of acme-redis: ") as refused:
        installed_variants(known)
    assert said in str(refused.value)


def test_variants_are_sorted_by_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    declared = {"weak": {"adapters": {}}, "strong": {"adapters": {}, "priority": 2, "replaces": ["sync_schema"]}}
    monkeypatch.setattr(discovery, "load", lambda choice: declared[choice.name])
    known = Discovered({VARIANTS: tuple(Choice(name, f"{name}:V", name) for name in declared)})
    assert [(variant.name, variant.priority, variant.replaces) for variant in installed_variants(known)] == [
        ("strong", 2, ("sync_schema",)),
        ("weak", 0, ()),
    ]
