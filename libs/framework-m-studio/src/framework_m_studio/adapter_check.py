"""Checks of the adapters that an installed package offers, without opening them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.binding import STORE_FAMILY, find_variants
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.bootstrap.plugins.protocols import compare_with_protocol
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import did_you_mean
from framework_m_core.interfaces.ports import ADAPTERS, PORTS, STORE, find_port

__all__ = ["AdapterReport", "check_package", "open_sample_app"]

_PORTS_OF_APPS: Final = "framework_m.ports"
_STEPS: Final = "framework_m.bootstrap."


@dataclass(frozen=True, slots=True)
class AdapterReport:
    """One adapter or variant of a package, what is wrong with it, and what could not be checked."""

    port: str
    choice: Choice
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_package(distribution: str, application: Application | str) -> list[AdapterReport]:
    """Return a report on each adapter and variant that an installed distribution offers.

    Parameters of constructors are looked up in the container of `application`, or not at all if that is a reason
    why there is none. Raises ConfigurationError if the distribution offers nothing.
    """
    discovered = discovery.discover_installed()
    reports = [*_adapters_of(distribution, discovered), *_variants_of(distribution, discovered)]
    if not reports:
        offering = {
            choice.distribution
            for group in discovered.find_groups(ADAPTERS)
            for choice in discovered.find_choices(group)
        }
        hint = did_you_mean(distribution, offering) or f": these do: {', '.join(sorted(offering))}"
        raise ConfigurationError(f"no installed package {distribution!r} offers an adapter{hint}")
    for report in reports:
        if report.port != "variant":
            _check_adapter(report, discovered, application)
    return reports


@asynccontextmanager
async def open_sample_app() -> AsyncIterator[Application | str]:
    """Open an app without DocTypes whose store is in memory; yield it, or why it cannot be opened."""
    if discovery.folder_of("framework_m_standard") is None:
        yield "framework-m-standard is not installed"
        return
    defaults = {f"adapters.{port.key}": "memory" if port.key == STORE else "default" for port in PORTS}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        opening = open_application(folder, environment={}, overrides={"logs.level": "error", **defaults})
        try:
            found: Application | str = await stack.enter_async_context(opening)
        except ConfigurationError as error:
            found = f"no app can be opened: {error}"
        yield found


def _adapters_of(distribution: str, discovered: Discovered) -> Iterator[AdapterReport]:
    for group in discovered.find_groups(ADAPTERS):
        for choice in discovered.find_choices(group):
            if _is_of(choice, distribution):
                yield AdapterReport(group.removeprefix(ADAPTERS), choice)


def _variants_of(distribution: str, discovered: Discovered) -> Iterator[AdapterReport]:
    own = [choice for choice in discovered.find_choices("framework_m.variants") if _is_of(choice, distribution)]
    for choice in own:
        report = AdapterReport("variant", choice)
        try:
            (variant,) = find_variants(Discovered({"framework_m.variants": (choice,)}))
        except ConfigurationError as error:
            report.errors.append(str(error))
        else:
            report.errors.extend(_choice_errors(variant.adapters, discovered))
        yield report


def _choice_errors(adapters: Mapping[str, str], discovered: Discovered) -> Iterator[str]:
    for key, name in adapters.items():
        ports = STORE_FAMILY if key == STORE else (key,)
        for port in ports:
            offered = {choice.name for choice in discovered.find_choices(ADAPTERS + port)}
            if name not in offered:
                yield f"chooses {name!r} for {port!r}, which no package offers{did_you_mean(name, offered)}"


def _is_of(choice: Choice, distribution: str) -> bool:
    return discovery.normalize(choice.distribution) == discovery.normalize(distribution)


def _check_adapter(report: AdapterReport, discovered: Discovered, application: Application | str) -> None:
    try:
        protocol = _protocol_of(report.port, discovered)
    except ConfigurationError as error:
        report.errors.append(str(error))
        return
    if protocol is None:
        known = [*(port.name for port in PORTS), *(choice.name for choice in discovered.find_choices(_PORTS_OF_APPS))]
        report.errors.append(f"there is no port {report.port!r}{did_you_mean(report.port, known)}")
    report.errors.extend(_double_errors(report, discovered))
    report.errors.extend(_family_errors(report, discovered))
    try:
        adapter = discovery.load(report.choice)
    except ConfigurationError as error:
        report.errors.append(str(error))
        return
    if not callable(adapter):
        report.errors.append(f"expected a class or a function that makes the adapter, got {type(adapter).__name__}")
        return
    if protocol is not None and isinstance(adapter, type):
        report.errors.extend(compare_with_protocol(adapter, protocol))
    _check_parameters(report, adapter, discovered, application)


def _protocol_of(port: str, discovered: Discovered) -> type | None:
    if (declared := find_port(port)) is not None:
        return declared.protocol
    found = [choice for choice in discovered.find_choices(_PORTS_OF_APPS) if choice.name == port]
    return discovery.load(found[0]) if found else None


def _double_errors(report: AdapterReport, discovered: Discovered) -> Iterator[str]:
    for choice in discovered.find_choices(ADAPTERS + report.port):
        if choice.name == report.choice.name and not _is_of(choice, report.choice.distribution):
            yield f"{choice.distribution} offers {choice.name!r}, too: choose another name"


def _family_errors(report: AdapterReport, discovered: Discovered) -> Iterator[str]:
    port = find_port(report.port)
    if port is None or port.key != STORE:
        return
    for other in STORE_FAMILY:
        if report.choice.name not in {choice.name for choice in discovered.find_choices(ADAPTERS + other)}:
            yield f"a store serves the ports of its family together: {other} of {report.choice.name!r} is missing"


def _check_parameters(
    report: AdapterReport, adapter: Callable[..., Any], discovered: Discovered, application: Application | str
) -> None:
    if isinstance(application, str):
        report.notes.append(f"the parameters of its constructor were not checked: {application}")
        return
    key = port.key if (port := find_port(report.port)) else report.port
    has_step = bool(discovered.find_choices(f"{_STEPS}{key}.{report.choice.name}"))
    for name in application.container.find_unbound(adapter):
        if has_step:
            report.notes.append(f"its parameter {name!r} must be bound by its bootstrap step")
        else:
            hint = (
                did_you_mean(name, application.container.names)
                or f": expected one of {', '.join(application.container.names)}"
            )
            report.errors.append(f"its parameter {name!r} is not bound{hint}")
