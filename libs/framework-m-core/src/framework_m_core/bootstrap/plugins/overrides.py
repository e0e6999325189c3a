"""Container overrides: factories under `framework_m.overrides` that take the place of what is bound to a name."""

from __future__ import annotations

from collections.abc import Sequence

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.container.container import Container
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import did_you_mean

__all__ = ["check_replaced", "replace_bindings"]

_GROUP = "framework_m.overrides"


def replace_bindings(container: Container, discovered: Discovered) -> tuple[Choice, ...]:
    """Notes every override before anything is bound. Raises ConfigurationError where two want one name."""
    found: dict[str, Choice] = {}
    for choice in discovered.choices(_GROUP):
        other = found.setdefault(choice.name, choice)
        if other is not choice:
            both = f"{other.distribution} and {choice.distribution}"
            raise ConfigurationError(f"{both} both override {choice.name!r}: uninstall one")
        container.replace(choice.name, discovery.load(choice))
    return tuple(found.values())


def check_replaced(container: Container, overrides: Sequence[Choice]) -> None:
    """Raises ConfigurationError for overrides of names that nothing was bound to."""
    problems = [
        f"{choice.name!r} of {choice.distribution}: nothing is bound to it{did_you_mean(choice.name, container.names)}"
        for choice in overrides
        if choice.name not in container.names
    ]
    if problems:
        raise ConfigurationError("there is nothing to override:", problems)
