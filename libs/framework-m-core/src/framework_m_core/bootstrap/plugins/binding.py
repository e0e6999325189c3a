"""Binding of adapters to ports: by explicit config, else by an installed variant, else `default`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.ports import ADAPTERS, PORTS, STORE, port_named

__all__ = [
    "STORE_FAMILY",
    "Binding",
    "Variant",
    "installed_variants",
    "resolve_bindings",
]

VARIANTS = "framework_m.variants"
STORE_FAMILY = tuple(port.name for port in PORTS if port.key == STORE and not port.optional)
"""Ports that one store serves together, chosen by the single key `store`."""


@dataclass(frozen=True, slots=True)
class Variant:
    """An installed MX variant: its choices per port (`store` for the family), and the steps that it replaces."""

    name: str
    distribution: str
    priority: int
    adapters: Mapping[str, str]
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """The adapter of a port, who chose it, and what it outranked."""

    port: str
    choice: Choice
    source: str
    outranked: tuple[str, ...]

    @property
    def setting(self) -> str:
        """The key under `[adapters]` that selects the adapter of this port."""
        return _setting(self.port)


def _setting(name: str) -> str:
    port = port_named(name)
    return port.key if port else name


def installed_variants(discovered: Discovered) -> tuple[Variant, ...]:
    """Return all installed variants, highest priority first."""
    variants = [_variant(choice, discovery.load(choice)) for choice in discovered.choices(VARIANTS)]
    return tuple(sorted(variants, key=lambda variant: -variant.priority))


def resolve_bindings(
    config: Mapping[str, str], variants: Sequence[Variant], discovered: Discovered
) -> tuple[Binding, ...]:
    """Return one binding per port that has adapters. Raises ConfigurationError listing all errors."""
    problems: list[str] = []
    offered = {group.removeprefix(ADAPTERS): discovered.choices(group) for group in discovered.groups(ADAPTERS)}
    known = {_setting(port) for port in (STORE_FAMILY[0], *offered)}
    for port in config.keys() - known:
        problems.append(f"[adapters] {port}: there is no such port: expected one of {', '.join(sorted(known))}")
    bindings = [binding for port in offered if (binding := _bind(port, offered[port], config, variants, problems))]
    missing = set(STORE_FAMILY) - offered.keys()
    if missing:
        problems.append(f"no installed package offers {', '.join(sorted(missing))}: install framework-m-standard[sql]")
    if problems:
        raise ConfigurationError("the adapters could not be bound:", problems)
    return tuple(bindings)


def _bind(
    port: str,
    offered: Sequence[Choice],
    config: Mapping[str, str],
    variants: Sequence[Variant],
    problems: list[str],
) -> Binding | None:
    wanted = _setting(port)
    candidates = _candidates(wanted, config, variants, problems)
    name, source = candidates[0]
    found = [choice for choice in offered if choice.name == name]
    if len(found) == 1:
        outranked = tuple(f"{name} ({source})" for name, source in candidates[1:])
        return Binding(port, found[0], source, outranked)
    if not found and (declared := port_named(port)) and declared.optional:
        return None
    names = ", ".join(sorted({choice.name for choice in offered}))
    if found:
        both = " and ".join(choice.distribution for choice in found)
        problems.append(f"{port}: {both} both offer {name!r}: uninstall one, or name another under [adapters] {wanted}")
    else:
        problems.append(f"{port}: {source} chooses {name!r}, which no package offers: expected one of {names}")
    return None


def _candidates(
    wanted: str, config: Mapping[str, str], variants: Sequence[Variant], problems: list[str]
) -> list[tuple[str, str]]:
    """Return the choices for a port in order of precedence, each with its source."""
    claims = [variant for variant in variants if wanted in variant.adapters]
    if wanted not in config and len(claims) > 1 and claims[0].priority == claims[1].priority:
        first, second = claims[:2]
        both = f"{first.distribution} and {second.distribution}"
        line = f"two variants of priority {first.priority} choose {wanted!r}: {both}"
        line += f': write {wanted} = "{first.adapters[wanted]}" or "{second.adapters[wanted]}" under [adapters]'
        if line not in problems:
            problems.append(line)
    explicit = [(config[wanted], "config")] if wanted in config else []
    by_variant = [(variant.adapters[wanted], f"variant {variant.name}") for variant in claims]
    return [*explicit, *by_variant, ("default", "default")]


def _variant(choice: Choice, mapping: Any) -> Variant:
    if not isinstance(mapping, Mapping) or not isinstance(mapping.get("adapters"), Mapping):
        raise ConfigurationError(
            f"variant {choice.name!r} of {choice.distribution}: expected a mapping with 'adapters' "
            f"(port to choice) and optionally 'priority' and 'replaces', got {choice.value!r}"
        )
    priority = mapping.get("priority", 0)
    if not isinstance(priority, int):
        raise ConfigurationError(
            f"variant {choice.name!r} of {choice.distribution}: expected an integer 'priority', got {priority!r}"
        )
    return Variant(
        choice.name,
        choice.distribution,
        priority,
        dict(mapping["adapters"]),
        tuple(mapping.get("replaces", ())),
    )
