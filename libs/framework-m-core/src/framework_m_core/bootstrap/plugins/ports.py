"""Ports of apps: protocols under `framework_m.ports`, whose adapters are bound like the framework's."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.binding import Binding
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.bootstrap.plugins.protocols import compare_with_protocol
from framework_m_core.container.container import is_reserved
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.ports import ADAPTERS, find_port

__all__ = ["AppPort", "check_adapter_class", "check_adapters", "collect_app_ports", "gather_ports_by_path"]

_GROUP = "framework_m.ports"


@dataclass(frozen=True, slots=True)
class AppPort:
    """A port of an app: its name, under which adapters are provided and chosen, and its protocol."""

    choice: Choice
    protocol: type

    @property
    def name(self) -> str:
        """The name of the port."""
        return self.choice.name


def collect_app_ports(discovered: Discovered, bindings: Sequence[Binding]) -> tuple[AppPort, ...]:
    """Return all declared ports. Raises ConfigurationError listing all errors."""
    ports = [AppPort(choice, discovery.load(choice)) for choice in discovered.find_choices(_GROUP)]
    bound = {binding.port for binding in bindings}
    errors = [f"{_place(port)}: {text}" for port in ports for text in _find_errors(port, ports, bound)]
    if errors:
        raise ConfigurationError("the ports declared by apps are not valid:", errors)
    return tuple(ports)


def _find_errors(port: AppPort, ports: Sequence[AppPort], bound: set[str]) -> Iterator[str]:
    if not (inspect.isclass(port.protocol) and getattr(port.protocol, "_is_protocol", False)):
        yield f"expected a typing.Protocol, got {port.choice.value}, which is {type(port.protocol).__name__}"
    if find_port(port.name):
        yield "the framework already has a port with this name: choose another"
    elif is_reserved(port.name):
        yield "the name is an attribute of the container: choose another"
    elif port.name not in bound:
        yield f"no installed package offers an adapter: add one under {ADAPTERS}{port.name}"
    if any(other.name == port.name and other is not port for other in ports):
        yield "two apps declare a port with this name"


def gather_ports_by_path(ports: Sequence[AppPort], apps: Sequence[Choice]) -> Mapping[str, str]:
    """Return the names of ports by `app.port`, as used in overrides, for each app of the port's distribution."""
    return {
        f"{app.name}.{port.name}": port.name
        for port in ports
        for app in apps
        if app.distribution == port.choice.distribution
    }


def check_adapter_class(binding: Binding, adapter: object) -> None:
    """Compare the class of a chosen adapter with the framework's port. Raises ConfigurationError with all differences.

    The adapters called `default` are not compared: type checkers do so, and a start should be fast.
    """
    port = find_port(binding.port)
    if port is None or binding.source == "default" or not isinstance(adapter, type):
        return
    if errors := list(compare_with_protocol(adapter, port.protocol)):
        title = f"{binding.choice.value} of {binding.choice.distribution} does not implement the port {binding.port!r}:"
        raise ConfigurationError(title, errors)


def check_adapters(protocols: Mapping[str, type], adapters: Mapping[str, object]) -> Mapping[type, object]:
    """Return the adapters by protocol. Raises ConfigurationError for adapters that lack members of their protocol."""
    errors = []
    for name, protocol in protocols.items():
        needed: set[str] = getattr(protocol, "__protocol_attrs__", set())
        missing = sorted(one for one in needed if not hasattr(adapters[name], one))
        if missing:
            adapter = type(adapters[name])
            place = f"{adapter.__module__}.{adapter.__qualname__}"
            errors.append(f"port {name!r}: {place} is missing {', '.join(missing)}")
    if errors:
        raise ConfigurationError("these adapters do not implement their ports:", errors)
    return MappingProxyType({protocol: adapters[name] for name, protocol in protocols.items()})


def _place(port: AppPort) -> str:
    return f"port {port.name!r} of {port.choice.distribution}"
