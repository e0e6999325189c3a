"""Check that a store can do what the app's code will ask of it."""

from __future__ import annotations

from collections.abc import Collection

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.capabilities import StoreCapability
from framework_m_core.registry.registry import Registry

__all__ = ["require_capabilities"]


def require_capabilities(registry: Registry, capabilities: Collection[StoreCapability]) -> None:
    """Raise ConfigurationError if hooks or calls would join a unit of work on a store without savepoints."""
    if StoreCapability.SAVEPOINTS in capabilities:
        return
    joining = [f"{name}: its controller" for name, plan in registry.doctypes.items() if plan.hooks or plan.calls]
    joining += [f"the function {name}" for name in registry.functions]
    if joining:
        raise ConfigurationError(
            "the store has no savepoints, which these need, as they work inside a write: choose another store under "
            "[adapters] store, or remove them:",
            joining,
        )
