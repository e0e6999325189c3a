"""The default bootstrap steps that belong to no technology."""

from __future__ import annotations

import asyncio
import gc
import logging
from contextlib import suppress
from typing import Final

from framework_m_core.bootstrap.adapter_lifecycle import AdapterLifecycle
from framework_m_core.bootstrap.application import Application
from framework_m_core.bootstrap.composition import bind_events, bind_services
from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.app_modules import register_app
from framework_m_core.bootstrap.plugins.binding import STORE_FAMILY
from framework_m_core.bootstrap.plugins.extensions import load_extensions
from framework_m_core.bootstrap.plugins.write_stages import register_stages
from framework_m_core.bootstrap.schema_authority import WHAT_TO_DO, SchemaAuthority, schema_authority
from framework_m_core.domain.clock import Clock, system_clock
from framework_m_core.domain.errors import ConfigurationError, TransientError
from framework_m_core.interfaces.event_bus import EventBusProtocol
from framework_m_core.interfaces.outbox import OutboxProtocol
from framework_m_core.interfaces.schema_mapper import SchemaMapperProtocol
from framework_m_core.registry.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.services.events.dispatch import HANDLERS, EventDispatch
from framework_m_core.services.events.relay import OutboxRelay
from framework_m_core.services.registry_changes import RegistryChanges

__all__ = [
    "FOLLOW_SECONDS",
    "FeedHandlers",
    "FollowRegistry",
    "InitAdapters",
    "InitRegistries",
    "RunRelay",
    "SyncSchema",
    "TuneCollector",
    "WatchRelay",
]

_log = logging.getLogger(__name__)

_STOP_TIMEOUT_SECONDS = 3
"""How long the end of a process waits for an event handler; whoever ends processes waits a little longer."""

FOLLOW_SECONDS: Final = 0.5
"""Between two looks at the store for a registry that another process has published."""

_ACCESS_PORTS = ("identity", "session", "authentication")


class InitRegistries:
    """Step `init_registries`: imports the apps and compiles what they declare."""

    order = 20

    async def run(self, app: Application) -> None:
        """Provides `registry_handle`. Raises ConfigurationError with all problems of all apps."""
        builder, apps = RegistryBuilder(load_extensions(app.settings.discovered)), _apps(app)
        for choice in apps:
            register_app(builder, choice)
        register_stages(builder, app.settings.discovered)
        app.override_by_modules(apps)
        for port in app.ports:
            builder.add_port(port.protocol)
        app.container.provide("registry_handle", RegistryHandle(builder.freeze()))


def _apps(app: Application) -> list[discovery.Choice]:
    """The built-in app, then the configured ones, else the one in the working directory."""
    installed = app.settings.discovered.choices(discovery.APPS)
    built_in = [choice for choice in installed if choice.distribution == "framework-m-standard"]
    wanted = app.settings.framework.apps
    if wanted is None:
        return [*built_in, *app.settings.local_apps]
    known = {choice.name: choice for choice in installed}
    missing = [name for name in wanted if name not in known]
    if missing:
        names = ", ".join(sorted(known))
        raise ConfigurationError(f"[framework] apps names {', '.join(missing)}, not installed: known are {names}")
    return [*built_in, *(known[name] for name in wanted if known[name] not in built_in)]


class SyncSchema:
    """Step `sync_schema`: brings the store in line with the DocTypes, or says that it is not."""

    order = 30

    async def run(self, app: Application) -> None:
        """Binds the store family and syncs the schema in development; production only checks it."""
        app.bind_ports(*STORE_FAMILY)
        mapper: SchemaMapperProtocol = app.container.get("schema_mapper")
        authority = schema_authority(
            production=app.settings.production,
            migrated=await mapper.is_migrated(),
            sync=getattr(app.settings.sections.get("sql"), "sync_schema", None),
        )
        if authority is SchemaAuthority.DOCTYPES:
            await mapper.sync()
        elif lacking := await mapper.plan():
            raise ConfigurationError(WHAT_TO_DO[authority], lacking)


class InitAdapters:
    """Step `init_adapters`: binds the other ports and the services over them."""

    order = 40

    def __init__(self) -> None:
        self._adapters: AdapterLifecycle | None = None

    async def run(self, app: Application) -> None:
        """Bind and build everything a process needs to work with documents, and open the adapters."""
        app.bind_ports("permission", "event_bus")
        app.bind_app_ports()
        bind_services(app.container)
        bind_events(app.container)
        app.bind_ports(*_ACCESS_PORTS)
        app.container.seal()
        for name in ("documents", *(binding.port for binding in app.bindings if binding.port in app.container.names)):
            app.container.get(name)
        self._adapters = AdapterLifecycle(app.container)
        await self._adapters.open()

    async def ping(self) -> None:
        """Raise while an adapter is unwell."""
        if self._adapters is not None:
            await self._adapters.ping()

    async def close(self) -> None:
        """Close the adapters."""
        if self._adapters is not None:
            await self._adapters.close()


class FeedHandlers:
    """Step `feed_handlers`: subscribes the apps' event handlers to the bus, while the process serves.

    It runs before the relay, so that a bus that stores nothing has somebody to bring events to, and closes after it.
    """

    order = 55
    roles = frozenset({"worker"})

    def __init__(self) -> None:
        self._bus: EventBusProtocol | None = None

    async def run(self, app: Application) -> None:
        """Subscribes the group `handlers`."""
        bus: EventBusProtocol = app.container.get("event_bus")
        dispatch: EventDispatch = app.container.get("event_dispatch")
        await bus.subscribe(HANDLERS, dispatch.handle)
        self._bus = bus

    async def close(self) -> None:
        """Ends the feed: what handlers work with closes next."""
        if self._bus is not None:
            await self._bus.unsubscribe(HANDLERS)


class RunRelay:
    """Step `run_relay`: relays events from the store to the bus while the process serves."""

    order = 60
    roles = frozenset({"relay"})

    def __init__(self) -> None:
        self._relay: OutboxRelay | None = None
        self._task: asyncio.Task[None] | None = None

    async def run(self, app: Application) -> None:
        """Starts the relay."""
        relay: OutboxRelay = app.container.get("relay")
        self._relay, self._task = relay, asyncio.create_task(relay.run(), name="outbox-relay")

    async def ping(self) -> None:
        """Raises when the relay has died."""
        if self._task is not None and self._task.done():
            raise TransientError("the outbox relay has stopped")

    async def close(self) -> None:
        """Stops the relay after the event it is delivering, which is cut off when that takes too long."""
        if self._relay is not None and self._task is not None:
            self._relay.stop()
            _, late = await asyncio.wait([self._task], timeout=_STOP_TIMEOUT_SECONDS)
            if late:
                self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task


class FollowRegistry:
    """Step `follow_registry`: takes over the registry that another process has changed."""

    order = 56
    roles = frozenset({"web", "worker", "relay", "scheduler"})

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._failure: Exception | None = None

    async def run(self, app: Application) -> None:
        """Take over what was changed before, and look for changes from now on."""
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
                    _log.exception("the registry of another process cannot be taken over: trying again")
                self._failure = error
            else:
                self._failure = None

    async def ping(self) -> None:
        """Raise while this process cannot work as the others do."""
        if self._failure is not None or (self._task is not None and self._task.done()):
            raise TransientError("the registry of another process cannot be taken over") from self._failure

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task


class WatchRelay:
    """Step `watch_relay`: in a process that writes and does not relay itself, tells when nobody relays its events."""

    order = 61
    roles = frozenset({"web", "worker", "scheduler"})

    def __init__(self) -> None:
        self._outbox: OutboxProtocol | None = None
        self._clock: Clock = system_clock

    async def run(self, app: Application) -> None:
        """Log a warning when no live process relays the store's events."""
        if "relay" in app.roles:
            return
        self._outbox, self._clock = app.container.get("outbox"), app.container.get("clock")
        for warning in await self.warnings():
            _log.warning("%s", warning)

    async def warnings(self) -> list[str]:
        """Return the warning, if it holds now."""
        if self._outbox is None or await self._outbox.is_leased(self._clock()):
            return []
        return ["no live process relays the events of this store: run one with the role 'relay'"]


class TuneCollector:
    """Step `tune_collector`: what boot made stays, so the garbage collector need not look at it again."""

    order = 90
    roles = frozenset({"web", "worker", "relay", "scheduler"})

    async def run(self, app: Application) -> None:
        """Freezes the objects made so far and raises the thresholds."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 20, 50)
