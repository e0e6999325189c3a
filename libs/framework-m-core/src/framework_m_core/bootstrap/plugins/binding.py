"""Binding of adapters to ports: by explicit config, else by an installed variant, else `default`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.interfaces.ports import ADAPTERS, PORTS, STORE, find_port

__all__ = ["STORE_FAMILY", "VARIANTS", "Binding", "Variant", "find_variants", "resolve_bindings"]

VARIANTS = "framework_m.variants"
_PORTS_OF_APPS = "framework_m.ports"
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

    def is_chosen(self, bindings: Iterable[Binding]) -> bool:
        """Return whether any of its choices is bound: otherwise its steps have nothing to replace others for."""
        return any(self.adapters.get(binding.setting) == binding.choice.name for binding in bindings)


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
    port = find_port(name)
    return port.key if port else name


def find_variants(discovered: Discovered) -> tuple[Variant, ...]:
    """Return all installed variants, highest priority first."""
    variants = [_variant(choice, discovery.load(choice)) for choice in discovered.find_choices(VARIANTS)]
    return tuple(sorted(variants, key=lambda variant: -variant.priority))


def resolve_bindings(
    config: Mapping[str, str], variants: Sequence[Variant], discovered: Discovered
) -> tuple[Binding, ...]:
    """Return one binding per port that has adapters. Raises ConfigurationError listing all errors."""
    known = {*(port.name for port in PORTS), *(choice.name for choice in discovered.find_choices(_PORTS_OF_APPS))}
    served = {
        group.removeprefix(ADAPTERS): discovered.find_choices(group) for group in discovered.find_groups(ADAPTERS)
    }
    errors = [*_unknown_ports(known, config, variants, served)]
    offered = {port: choices for port, choices in served.items() if port in known}
    bindings: dict[str, Binding] = {}
    for setting in dict.fromkeys(_setting(port) for port in offered):
        candidates = _candidates(setting, config, variants, errors)
        ports = {port: choices for port, choices in offered.items() if _setting(port) == setting}
        bindings |= {binding.port: binding for binding in _bind(setting, ports, candidates, errors)}
    missing = set(STORE_FAMILY) - offered.keys()
    if missing:
        errors.append(f"no installed package offers {', '.join(sorted(missing))}: install framework-m-standard[sql]")
    if errors:
        raise ConfigurationError("the adapters could not be bound:", errors)
    return tuple(bindings[port] for port in offered if port in bindings)


def _unknown_ports(
    known: set[str],
    config: Mapping[str, str],
    variants: Sequence[Variant],
    served: Mapping[str, Sequence[Choice]],
) -> Iterator[str]:
    """Yield an error for each port that is chosen or served, and that neither the framework nor an app has."""
    chosen = [(f"[adapters] {name}", name) for name in config]
    chosen += [
        (f"variant {one.name!r} of {one.distribution}: {name}", name) for one in variants for name in one.adapters
    ]
    settings = {_setting(port) for port in known}
    for place, name in chosen:
        if name not in settings:
            yield f"{place}: {_refusal(name, settings)}"
        elif name not in {_setting(port) for port in served}:
            yield f"{place}: no installed package offers an adapter for this port"
    for port in served.keys() - known:
        offering = ", ".join(f"{choice.name!r} of {choice.distribution}" for choice in served[port])
        yield f"{offering} under {ADAPTERS}{port}: {_refusal(port, known)}"


def _refusal(name: str, known: Iterable[str]) -> str:
    if _setting(name) != name:
        return f"the ports of a store are chosen together: choose its adapter by {_setting(name)!r}"
    names = sorted(known)
    return f"there is no such port{did_you_mean(name, names) or f': expected one of {", ".join(names)}'}"


def _bind(
    setting: str,
    offered: Mapping[str, Sequence[Choice]],
    candidates: Sequence[tuple[str, str]],
    errors: list[str],
) -> list[Binding]:
    """Return the bindings of the ports that one setting chooses for: one port, or the family of a store."""
    name, source = candidates[0]
    found = {port: [choice for choice in choices if choice.name == name] for port, choices in offered.items()}
    required = {port: choices for port, choices in found.items() if not _is_optional(port)}
    if error := _offer_error(setting, name, source, required, offered):
        errors.append(error)
        return []
    (distribution,) = _offering_all(required)
    outranked = tuple(f"{name} ({source})" for name, source in candidates[1:])
    return [
        Binding(port, choice, source, outranked)
        for port, choices in found.items()
        for choice in choices
        if choice.distribution == distribution
    ]


def _offer_error(
    setting: str,
    name: str,
    source: str,
    found: Mapping[str, Sequence[Choice]],
    offered: Mapping[str, Sequence[Choice]],
) -> str | None:
    """Return why the adapters found for a name cannot be bound, if so."""
    lacking = [port for port, choices in found.items() if not choices]
    if len(lacking) == len(found):
        names = ", ".join(sorted({choice.name for port in found for choice in offered[port]}))
        return f"{setting}: {source} chooses {name!r}, which no package offers: expected one of {names}"
    if lacking:
        return (
            f"{setting}: {source} chooses {name!r}, which lacks {', '.join(lacking)}: a store serves all of its family"
        )
    everything = _offering_all(found)
    if not everything:
        by = {choice.distribution: port for port, choices in found.items() for choice in choices}
        mixed = ", ".join(f"{port} by {distribution}" for distribution, port in sorted(by.items()))
        return f"{setting}: {source} chooses {name!r}, which is mixed ({mixed}): expected one package for all"
    if len(everything) > 1:
        both = " and ".join(sorted(everything))
        return f"{setting}: {both} both offer {name!r}: uninstall one, or name another under [adapters] {setting}"
    return None


def _offering_all(found: Mapping[str, Sequence[Choice]]) -> set[str]:
    """Return the distributions that offer all of these ports."""
    return set.intersection(*({choice.distribution for choice in choices} for choices in found.values()))


def _is_optional(name: str) -> bool:
    port = find_port(name)
    return port is not None and port.optional


def _candidates(
    wanted: str, config: Mapping[str, str], variants: Sequence[Variant], errors: list[str]
) -> list[tuple[str, str]]:
    """Return the choices for a port in order of precedence, each with its source."""
    claims = [variant for variant in variants if wanted in variant.adapters]
    if wanted not in config and len(claims) > 1 and claims[0].priority == claims[1].priority:
        first, second = claims[:2]
        both = f"{first.distribution} and {second.distribution}"
        line = f"two variants of priority {first.priority} choose {wanted!r}: {both}"
        line += f': write {wanted} = "{first.adapters[wanted]}" or "{second.adapters[wanted]}" under [adapters]'
        if line not in errors:
            errors.append(line)
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
