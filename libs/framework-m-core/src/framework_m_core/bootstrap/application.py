"""`Application`: settings, bindings and container of one process, started and stopped by the bootstrap steps."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.binding import Binding, Variant, find_variants, resolve_bindings
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.bootstrap.plugins.overrides import override_by_entry_points, override_by_modules
from framework_m_core.bootstrap.plugins.ports import AppPort, check_adapter_class, check_adapters, collect_app_ports
from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.bootstrap.settings.paths import to_tables
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.container.container import Container
from framework_m_core.container.recorder import RECORDER
from framework_m_core.domain.clock import Uuid7Generator, system_clock
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.bootstrap import ROLES, BootstrapProtocol
from framework_m_core.registry.dependencies import INJECTABLE_PORTS
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.documents.service import DocumentService
from framework_m_core.services.queries.service import QueryService

__all__ = [
    "BOOTSTRAP",
    "STORE_CONNECTED",
    "WEB_READY",
    "Application",
    "Step",
    "find_known_roles",
    "format_app_title",
    "open_application",
    "refuse_unknown_roles",
]

BOOTSTRAP = "framework_m.bootstrap"
"""The group of the steps that every process runs. Steps in `framework_m.bootstrap.<port>.<choice>` (for the store
family: `.store.<choice>`) prepare an adapter: they are imported and run only if that choice is bound."""

STORE_CONNECTED = 29
"""Steps up to this order load the DocTypes and connect to the store without changing its schema."""

WEB_READY = 50
"""Steps up to this order create `web`, the ASGI app, in a process with the role `web`."""

_EVERY_STEP = sys.maxsize

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """A bootstrap step with its name, the distribution that provides it, and the binding that it prepares, if any."""

    name: str
    distribution: str
    order: int
    prepares: str
    step: BootstrapProtocol
    roles: frozenset[str] = frozenset()
    long_running: bool = False

    def runs_in(self, roles: Collection[str]) -> bool:
        """Return whether a process with these roles runs the step."""
        if self.long_running and not {*roles} - {"cli"}:
            return False
        return not self.roles or not self.roles.isdisjoint(roles)


class Application:
    """The parts of a process. Bindings are resolved before the first step runs."""

    def __init__(self, settings: Settings, container: Container | None = None) -> None:
        self.settings = settings
        self.container = container or Container()
        self.variants: tuple[Variant, ...] = find_variants(settings.discovered)
        self.bindings: tuple[Binding, ...] = resolve_bindings(settings.adapters, self.variants, settings.discovered)
        self.ports: tuple[AppPort, ...] = collect_app_ports(settings.discovered, self.bindings)
        self.steps: tuple[Step, ...] = _steps(self.variants, self.bindings, settings.discovered)
        self.roles: frozenset[str] = frozenset()
        self._opened: list[Step] = []
        self.overrides = override_by_entry_points(self.container, settings.discovered)
        for section, model in settings.sections.items():
            self.container.provide(f"{section}_settings", model)
        self.container.provide("settings", settings)
        self.container.provide_settings(to_tables(settings.sections))
        self.container.provide("clock", system_clock)
        self.container.provide("ids", Uuid7Generator())

    def __repr__(self) -> str:
        state = f"{len(self._opened)} of {len(self.steps)} steps open"
        return f"<Application as {', '.join(sorted(self.roles)) or 'no role'}: {state}>"

    @property
    def registry(self) -> Registry:
        """The current registry; available after the step `init_registries`."""
        registry_handle: RegistryHandle = self.container.get("registry_handle")
        return registry_handle.current

    @property
    def documents(self) -> DocumentService:
        """The document service; available after the step `init_adapters`."""
        documents: DocumentService = self.container.get("documents")
        return documents

    @property
    def queries(self) -> QueryService:
        """The query service; available after the step `init_adapters`."""
        queries: QueryService = self.container.get("queries")
        return queries

    def bind_ports(self, *ports: str) -> None:
        """Bind the chosen adapters of ports in the container, importing only these.

        Raises ConfigurationError for a port without an adapter, and for adapters that do not implement their ports.
        """
        for port in ports:
            binding = self.binding_of(port)
            if binding is None:
                raise ConfigurationError(f"no installed package offers an adapter for {port!r}")
            adapter = discovery.load(binding.choice)
            check_adapter_class(binding, adapter)
            self.container.bind(port, adapter)

    def binding_of(self, port: str) -> Binding | None:
        """Return the binding of a port, if any."""
        return next((binding for binding in self.bindings if binding.port == port), None)

    def find_ports(self, choice: str) -> tuple[str, ...]:
        """Return the ports whose chosen adapter has this name."""
        return tuple(binding.port for binding in self.bindings if binding.choice.name == choice)

    @property
    def injectables(self) -> tuple[type, ...]:
        """The classes that apps may request by annotation: protocols of ports, and models of settings."""
        ports = (*INJECTABLE_PORTS.values(), *(port.protocol for port in self.ports))
        return (*ports, *(type(model) for model in self.settings.sections.values()))

    def bind_app_ports(self) -> None:
        """Bind the adapters of the ports that apps may request, and `app_ports`: these and settings, by their class."""
        protocols = {**INJECTABLE_PORTS, **{port.name: port.protocol for port in self.ports}}
        self.bind_ports(*protocols)
        adapters = {name: self.container.get(name) for name in protocols}
        settings = {type(model): self._settings_of(section) for section, model in self.settings.sections.items()}
        self.container.provide("app_ports", {**settings, **check_adapters(protocols, adapters)})

    def _settings_of(self, section: str) -> object:
        return self.container.get(f"{section}_settings")

    def override_by_modules(self, apps: Sequence[Choice]) -> None:
        """Apply the overrides recorded by modules of these apps. Raises ConfigurationError for invalid ones."""
        override_by_modules(self.container, apps, self.settings.discovered, self.ports, self.overrides)

    @property
    def known_roles(self) -> tuple[str, ...]:
        """All roles that a process may have: those of the framework, and those named by steps."""
        return _roles_of(self.steps)

    async def open(self, roles: Collection[str], until: int = _EVERY_STEP) -> None:
        """Run the steps of these roles up to an order, skipping those already run. On failure, close all and re-raise.

        Raises ConfigurationError for an unknown role.
        """
        refuse_unknown_roles(roles, self.known_roles)
        self.roles |= frozenset(roles)
        try:
            for step in self.steps:
                if step.order <= until and step not in self._opened and step.runs_in(self.roles):
                    self._opened.append(step)
                    await step.step.run(self)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the steps that ran in reverse order; failures are logged and do not stop the others from closing."""
        RECORDER.forget(self.container)
        while self._opened:
            step = self._opened.pop()
            close = getattr(step.step, "close", None)
            try:
                if close is not None:
                    await close()
            except Exception:
                _log.exception("could not close step %s", step.name)

    async def ping(self) -> None:
        """Raise if anything that a step opened is unhealthy."""
        for step in self._opened:
            ping = getattr(step.step, "ping", None)
            if ping is not None:
                await ping()

    async def collect_warnings(self) -> list[str]:
        """Return what an operator should know about a process that serves nevertheless."""
        asked = [
            warnings for step in self._opened if (warnings := getattr(step.step, "collect_warnings", None)) is not None
        ]
        return [warning for warnings in asked for warning in await warnings()]


def find_known_roles(discovered: Discovered) -> tuple[str, ...]:
    """Return all roles that a process may have, whichever adapters it binds."""
    groups = discovered.find_groups(BOOTSTRAP)
    return _roles_of([_step("", choice) for group in groups for choice in discovered.find_choices(group)])


def refuse_unknown_roles(roles: Collection[str], known: Collection[str]) -> None:
    """Raise ConfigurationError for the first role that is not known."""
    for role in roles:
        if role not in known:
            raise ConfigurationError(f"there is no role {role!r}: expected one of {', '.join(known)}")


def _roles_of(steps: Sequence[Step]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*ROLES, *sorted(role for step in steps for role in step.roles))))


def _steps(variants: tuple[Variant, ...], bindings: tuple[Binding, ...], discovered: Discovered) -> tuple[Step, ...]:
    replaced = {name for variant in variants if variant.is_chosen(bindings) for name in variant.replaces}
    prepared = {f"{binding.setting}.{binding.choice.name}" for binding in bindings}
    found = dict.fromkeys(discovered.find_choices(BOOTSTRAP), "")
    for name in sorted(prepared):
        for choice in discovered.find_choices(f"{BOOTSTRAP}.{name}"):
            found.setdefault(choice, name)  # once, though several adapters of a technology need it
    steps = [_step(name, choice) for choice, name in found.items() if choice.name not in replaced]
    return tuple(sorted(steps, key=lambda step: (step.order, step.name)))


def _step(prepares: str, choice: Choice) -> Step:
    step = discovery.load(choice)()
    order = getattr(step, "order", None)
    if not isinstance(order, int):
        raise ConfigurationError(f"bootstrap step {choice.name!r} of {choice.distribution} expected an integer 'order'")
    roles = getattr(step, "roles", ())
    if isinstance(roles, str) or not all(isinstance(role, str) for role in roles):
        raise ConfigurationError(
            f"bootstrap step {choice.name!r} of {choice.distribution}: expected roles such as {{'web'}}, got {roles!r}"
        )
    long_running = bool(getattr(step, "long_running", False))
    return Step(choice.name, choice.distribution, order, prepares, step, frozenset(roles), long_running)


@asynccontextmanager
async def open_application(
    folder: Path | None = None,
    *,
    roles: Collection[str] = ("cli",),
    until: int = _EVERY_STEP,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    container: Container | None = None,
    needs_app: bool = False,
) -> AsyncIterator[Application]:
    """Open the app in a folder (default: the working directory) for these roles, and close it on exit.

    Raises ConfigurationError; with `needs_app`, also for a folder without an app, before creating anything in it.
    """
    settings = load_settings(folder or Path.cwd(), environment, overrides=overrides, needs_app=needs_app)
    application = Application(settings, container)
    await application.open(roles, until)
    try:
        yield application
    finally:
        await application.close()


def format_app_title(settings: Settings) -> tuple[str, str]:
    """Return the names of the apps as one text, and the version of the first."""
    installed = {choice.name: choice for choice in settings.discovered.find_choices(discovery.APPS)}
    wanted = settings.framework.apps
    apps = settings.local_apps if wanted is None else [installed[name] for name in wanted if name in installed]
    if not apps:
        return "Framework M", "1"
    first = apps[0]
    local = first in settings.local_apps
    version = settings.discovered.version if local else discovery.version_of(first.distribution)
    return ", ".join(choice.name for choice in apps), version
