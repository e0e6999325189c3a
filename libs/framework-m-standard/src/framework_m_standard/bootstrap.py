"""The default bootstrap steps that belong to no technology."""

from __future__ import annotations

import asyncio
import gc
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Final, Protocol

from framework_m_core.bootstrap.adapter_lifecycle import AdapterLifecycle
from framework_m_core.bootstrap.application import Application
from framework_m_core.bootstrap.composition import bind_events, bind_services
from framework_m_core.bootstrap.loaded_apps import choose_apps
from framework_m_core.bootstrap.migration_folders import find_migration_folders
from framework_m_core.bootstrap.plugins.app_modules import register_app
from framework_m_core.bootstrap.plugins.binding import STORE_FAMILY
from framework_m_core.bootstrap.plugins.extensions import load_extensions
from framework_m_core.bootstrap.plugins.write_stages import register_stages
from framework_m_core.bootstrap.schema_authority import WHAT_TO_DO, SchemaAuthority, decide_schema_authority
from framework_m_core.bootstrap.settings.models import FrameworkSettings
from framework_m_core.domain.clock import Clock, system_clock
from framework_m_core.domain.errors import ConfigurationError, TransientError
from framework_m_core.interfaces.bootstrap import ApplicationView
from framework_m_core.interfaces.consumers import ConsumersProtocol
from framework_m_core.interfaces.schema_mapper import SchemaMapperProtocol
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.consumers import BUS
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.events.registration import ConsumerRegistration
from framework_m_core.services.events.turn import LEASE
from framework_m_core.services.registry_changes import RegistryChanges

__all__ = [
    "FOLLOW_SECONDS",
    "FollowRegistry",
    "InitAdapters",
    "InitRegistries",
    "RegisterConsumers",
    "RunConsumers",
    "RunRelay",
    "SyncSchema",
    "TuneGarbageCollector",
    "WatchConsumers",
]

_log = logging.getLogger(__name__)

_STOP_TIMEOUT_SECONDS = 3
"""How long shutdown waits for a running event handler; supervisors of processes wait a little longer."""

FOLLOW_SECONDS: Final = 0.5
"""The interval at which the store is checked for a registry published by another process."""

_ACCESS_PORTS = ("identity", "session", "authentication")


class InitRegistries:
    """Step `init_registries`: import the apps and compile their declarations.

    This step and `init_adapters` compose the `Application` itself, so they know its class; all others see its view.
    """

    order = 20

    async def run(self, app: Application) -> None:
        """Provide `registry_builder`, `registry_handle` and `migration_folders`.

        Raises ConfigurationError with all errors of all apps.
        """
        builder, apps = RegistryBuilder(load_extensions(app.settings.discovered)), choose_apps(app.settings)
        for choice in apps:
            register_app(builder, choice)
        register_stages(builder, app.settings.discovered)
        app.override_by_modules(apps)
        for injectable in app.injectables:
            builder.add_injectable(injectable)
        app.container.provide("registry_builder", builder)
        app.container.provide("registry_handle", RegistryHandle(builder.freeze()))
        app.container.provide("migration_folders", find_migration_folders(app.settings))


class SyncSchema:
    """Step `sync_schema`: update the store's schema to the DocTypes, or check it."""

    order = 30

    async def run(self, app: ApplicationView) -> None:
        """Bind the store family, then sync the schema in development; in production only check it."""
        app.bind_ports(*STORE_FAMILY)
        mapper: SchemaMapperProtocol = app.container.get("schema_mapper")
        authority = decide_schema_authority(
            production=app.settings.production,
            migrated=await mapper.is_migrated(),
            sync=mapper.sync_schema,
        )
        if authority is SchemaAuthority.DOCTYPES:
            await mapper.sync()
        elif lacking := await mapper.plan():
            raise ConfigurationError(WHAT_TO_DO[authority], lacking)


class InitAdapters:
    """Step `init_adapters`: bind the other ports and the services over them."""

    order = 40

    def __init__(self) -> None:
        self._adapters: AdapterLifecycle | None = None

    async def run(self, app: Application) -> None:
        """Bind and build all services and adapters, and open the adapters."""
        app.bind_ports("permission", "event_bus")
        app.bind_app_ports()
        bind_services(app.container)
        bind_events(app.container)
        app.bind_ports(*_ACCESS_PORTS)
        app.container.seal()
        for name in ("documents", *(binding.port for binding in app.bindings if binding.port in app.container.names)):
            app.container.get(name)
        self._adapters = AdapterLifecycle(app.container, app.roles, app.known_roles)
        await self._adapters.open()

    async def ping(self) -> None:
        """Raise if the ping of an adapter fails."""
        if self._adapters is not None:
            await self._adapters.ping()

    async def close(self) -> None:
        """Close the adapters."""
        if self._adapters is not None:
            await self._adapters.close()


class RegisterConsumers:
    """Step `register_consumers`: store the consumers that apps declare, so that they get all events from now on.

    Runs in every process, whatever its roles: others may run the consumers of its events.
    """

    order = 54

    async def run(self, app: ApplicationView) -> None:
        """Register the consumers of the registry, now and before each change of it."""
        registration: ConsumerRegistration = app.container.get("consumer_registration")
        changes: RegistryChanges = app.container.get("registry_changes")
        await registration.register()
        changes.prepare_with(registration.register)


class _Loop(Protocol):
    async def run(self) -> None: ...

    def stop(self) -> None: ...


class _RunLoop:
    """A loop that runs in the background from the step to the end of the process."""

    name: str

    def __init__(self) -> None:
        self._loop: _Loop | None = None
        self._task: asyncio.Task[None] | None = None

    async def run(self, app: ApplicationView) -> None:
        """Start the loop."""
        loop: _Loop = app.container.get(self.name)
        self._loop, self._task = loop, asyncio.create_task(loop.run(), name=self.name)

    async def ping(self) -> None:
        """Raise when the loop has died."""
        if self._task is not None and self._task.done():
            raise TransientError(f"the loop {self.name!r} has stopped")

    async def close(self) -> None:
        """Stop the loop after the events it is delivering, which are cut off when that takes too long."""
        if self._loop is not None and self._task is not None:
            self._loop.stop()
            _, late = await asyncio.wait([self._task], timeout=_STOP_TIMEOUT_SECONDS)
            if late:
                self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task


class RunConsumers(_RunLoop):
    """Step `run_consumers`: deliver stored events to the apps' handlers and consumers."""

    order = 58
    roles = frozenset({"worker"})
    name = "event_delivery"


class RunRelay(_RunLoop):
    """Step `run_relay`: feed the event bus, and prune old events."""

    order = 60
    roles = frozenset({"relay"})
    name = "relay"


class FollowRegistry:
    """Step `follow_registry`: adopt registry changes of other processes."""

    order = 56
    long_running = True

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    async def run(self, app: ApplicationView) -> None:
        """Adopt earlier changes, and watch for further ones."""
        changes: RegistryChanges = app.container.get("registry_changes")
        await changes.follow()
        self._task = asyncio.create_task(self._follow(changes), name="follow-registry")

    async def _follow(self, changes: RegistryChanges) -> None:
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            try:
                await changes.follow()
            except Exception as error:
                if self._failure is None:
                    _log.exception("cannot adopt the registry of another process: trying again")
                self._failure = error
            else:
                self._failure = None

    async def ping(self) -> None:
        """Raise while a registry change of another process cannot be adopted."""
        if self._failure is not None or (self._task is not None and self._task.done()):
            raise TransientError("cannot adopt the registry of another process") from self._failure

    async def close(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task


class WatchConsumers:
    """Step `watch_consumers`: warn of consumers that no live process runs, and of those that are far behind."""

    order = 61
    long_running = True

    def __init__(self) -> None:
        self._consumers: ConsumersProtocol | None = None
        self._clock: Clock = system_clock
        self._roles = frozenset[str]()
        self._limit = timedelta()

    async def run(self, app: ApplicationView) -> None:
        """Log the warnings that hold at the start."""
        self._consumers, self._clock = app.container.get("consumers"), app.container.get("clock")
        framework: FrameworkSettings = app.container.get("framework_settings")
        self._roles = app.roles
        self._limit = timedelta(minutes=framework.consumer_lag_minutes)
        for warning in await self.collect_warnings():
            _log.warning("%s", warning)

    async def collect_warnings(self) -> list[str]:
        """Return the warnings that hold now."""
        if self._consumers is None:
            return []
        now = self._clock()
        states = await self._consumers.read_states(now, LEASE)
        idle = [one.name for one in states if not one.leased and self._role_of(one.name) not in self._roles]
        late = [one.name for one in states if one.waits_since is not None and one.waits_since < now - self._limit]
        found = []
        if idle:
            found.append(f"no live process runs {', '.join(idle)}: start one with `m worker`")
        if late:
            found.append(f"events wait too long for {', '.join(late)}: see m events consumers")
        return found

    @staticmethod
    def _role_of(consumer: str) -> str:
        return "relay" if consumer == BUS else "worker"


class TuneGarbageCollector:
    """Step `tune_collector`: exclude objects created at boot from garbage collection, since they stay alive."""

    order = 90
    long_running = True

    async def run(self, app: ApplicationView) -> None:
        """Freeze the existing objects and raise the collector's thresholds."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 50)
