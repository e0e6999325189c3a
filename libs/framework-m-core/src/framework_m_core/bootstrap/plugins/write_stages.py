"""Stages of writes that installed packages declare, under `framework_m.write_stages`."""

from __future__ import annotations

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Discovered
from framework_m_core.controllers.declaration import declarations_of
from framework_m_core.controllers.write_stage import StageMark
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.registry.compilation.builder import RegistryBuilder

__all__ = ["register_stages"]

_GROUP = "framework_m.write_stages"


def register_stages(builder: RegistryBuilder, discovered: Discovered) -> None:
    """Register the functions of the group. Raises ConfigurationError for what `@write_stage` does not mark."""
    for choice in discovered.find_choices(_GROUP):
        function = discovery.load(choice)
        if not declarations_of(function, StageMark):
            raise ConfigurationError(
                f"{choice.name!r} of {choice.distribution} under {_GROUP}: expected a function marked with "
                f"@write_stage, got {choice.value!r}, which is {type(function).__name__}"
            )
        builder.add_write_stage(function)
