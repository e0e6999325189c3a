"""The declarations of the app in the working directory, without opening or changing anything."""

from __future__ import annotations

import asyncio
from pathlib import Path

from framework_m_core.bootstrap.application import Application
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.registry.registry import Registry

__all__ = ["compile_declared", "load_local_application"]

_REGISTRIES = "init_registries"


def load_local_application() -> Application:
    """Return the app in the working directory, not opened. Raises ConfigurationError."""
    return Application(load_settings(Path.cwd(), secrets=False))


def compile_declared(application: Application) -> Registry:
    """Compile what the apps declare, by the bootstrap step for it. Raises ConfigurationError."""
    step = next((step for step in application.steps if step.name == _REGISTRIES), None)
    if step is None:
        raise ConfigurationError(f"no installed package provides the step {_REGISTRIES}: pip install framework-m")
    asyncio.run(step.step.run(application))
    return application.registry
