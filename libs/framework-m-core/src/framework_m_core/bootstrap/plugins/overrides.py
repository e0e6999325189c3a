"""Container overrides: factories under `framework_m.overrides`, and overrides that app modules record at import."""

from __future__ import annotations

from collections.abc import Sequence

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.bootstrap.plugins.ports import AppPort, gather_ports_by_path
from framework_m_core.container.container import Container
from framework_m_core.container.recorder import RECORDER
from framework_m_core.domain.errors import ConfigurationError

__all__ = ["override_by_entry_points", "override_by_modules"]

_GROUP = "framework_m.overrides"


def override_by_entry_points(container: Container, discovered: Discovered) -> tuple[Choice, ...]:
    """Apply the overrides of entry points, before anything is bound, and return these entry points.

    Raises ConfigurationError if two distributions override one name.
    """
    found: dict[str, Choice] = {}
    for choice in discovered.find_choices(_GROUP):
        other = found.setdefault(choice.name, choice)
        if other is not choice:
            both = f"{other.distribution} and {choice.distribution}"
            raise ConfigurationError(f"{both} both override {choice.name!r}: uninstall one")
        container.override(choice.name, discovery.load(choice))
    return tuple(found.values())


def override_by_modules(
    container: Container,
    apps: Sequence[Choice],
    discovered: Discovered,
    ports: Sequence[AppPort],
    by_entry_points: Sequence[Choice],
) -> None:
    """Apply the overrides that app modules recorded with `framework_m.container.container` while being imported.

    Raises ConfigurationError listing all errors.
    """
    at_hand = dict.fromkeys(map(_package, discovered.find_choices(discovery.APPS)), False)
    taken = {choice.name: choice.distribution for choice in by_entry_points}
    RECORDER.replay(
        container, at_hand | dict.fromkeys(map(_package, apps), True), gather_ports_by_path(ports, apps), taken
    )


def _package(app: Choice) -> str:
    return app.value.partition(":")[0].partition(".")[0]
