"""Port `BootstrapProtocol`: one step of starting and stopping a process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from framework_m_core.domain.context import RegistryView

__all__ = ["ROLES", "ApplicationView", "BootstrapProtocol", "ContainerView", "SettingsView"]

ROLES: Final = ("web", "worker", "relay", "cli")
"""The built-in roles of a process; steps of packages may name their own."""


class ContainerView(Protocol):
    """What steps ask of the container; `container.container.Container` is one.

    Names have no types of their own, so the reader states one: `driver: AcmeDriver = app.container.get("acme_driver")`.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """All bound names, sorted."""
        ...

    def provide(self, name: str, value: object) -> None:
        """Bind a finished object."""
        ...

    def bind(self, name: str, factory: Callable[..., Any]) -> None:
        """Bind a class or function, called once on first access with the objects that its parameters name.

        Raises ConfigurationError for a parameter that is not bound, or bound to another type.
        """
        ...

    def get(self, name: str) -> Any:
        """Return the object of a name. Raises ConfigurationError if the name is not bound."""
        ...

    def build(self, factory: Callable[..., Any], **given: object) -> Any:
        """Call a class or function with `given` and the objects that its other parameters name."""
        ...


class SettingsView(Protocol):
    """What steps, and models of settings, ask of all settings; `bootstrap.settings.models.Settings` is one.

    A section's model is in the container: `acme_settings` for `[acme]`.
    """

    @property
    def production(self) -> bool:
        """True if the environment is production."""
        ...

    @property
    def data_folder(self) -> Path:
        """The app's `.m/` folder, where the framework stores files."""
        ...


class ApplicationView(Protocol):
    """What steps ask of the application that they start; `bootstrap.application.Application` is one."""

    @property
    def container(self) -> ContainerView:
        """The container, to which steps bind what they open."""
        ...

    @property
    def settings(self) -> SettingsView:
        """All settings."""
        ...

    @property
    def registry(self) -> RegistryView:
        """The current registry; available after the step `init_registries`."""
        ...

    @property
    def roles(self) -> frozenset[str]:
        """The roles of this process."""
        ...

    def bind_ports(self, *ports: str) -> None:
        """Bind the chosen adapters of ports in the container, importing only these.

        Raises ConfigurationError for a port without an adapter, and for adapters that do not implement their ports.
        """
        ...

    def find_ports(self, choice: str) -> tuple[str, ...]:
        """Return the ports whose chosen adapter has this name."""
        ...

    async def ping(self) -> None:
        """Raise if anything that a step opened is unhealthy."""
        ...

    async def collect_warnings(self) -> list[str]:
        """Return what an operator should know about a process that serves nevertheless."""
        ...


class BootstrapProtocol(Protocol):
    """A step, identified by the name of its entry point; steps run by ascending `order`.

    A step in the group `framework_m.bootstrap` is part of every start; one in `framework_m.bootstrap.<port>.<choice>`
    only of starts that bind this choice (`store` stands for the store family).

    Contract: a step is built without arguments, and its order is a constant. A `run` that raises stops the start; steps
    are closed in reverse order, including one whose `run` failed. A step may also have:

    - `roles`, a collection of names: the step runs only in processes with one of these roles; without it, in all;
    - `long_running = True`: the step runs in all processes but commands, which have the role `cli` alone;
    - `async close()`, harmless when nothing is open;
    - `async ping()`, which raises while what the step opened is unhealthy;
    - `async collect_warnings()`, which returns what an operator should know about a process that serves nevertheless.
    """

    order: int

    async def run(self, app: ApplicationView) -> None:
        """Run the step with the application that is being started."""
        ...
