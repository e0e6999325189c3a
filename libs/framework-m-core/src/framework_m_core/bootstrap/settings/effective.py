"""Effective settings: configured values, or else the framework's defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pydantic import SecretStr

from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.bootstrap.settings.paths import KeyPath, find_leaf_values, format_path
from framework_m_core.bootstrap.settings.secrets import find_unset_secrets

__all__ = ["EffectiveSettings", "list_effective_settings"]

_HIDDEN = SecretStr("")


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """One setting: its path in the section, its value, if any, and its origin."""

    path: KeyPath
    value: Any
    origin: str

    @property
    def key(self) -> str:
        """The path as `framework_config.toml` has it."""
        return format_path(self.path)


@runtime_checkable
class _HasDefaults(Protocol):
    """A settings model with defaults that depend on the app and its environment."""

    def effective(self, settings: Settings) -> Mapping[str, Any]:
        """Return the effective values of unset settings, by key."""
        ...


def list_effective_settings(settings: Settings, section: str) -> Iterator[EffectiveSettings]:
    """Yield the settings of a section; of a table, each of its settings, by its path."""
    model = settings.sections[section]
    defaults = model.effective(settings) if isinstance(model, _HasDefaults) else {}
    unset = {*find_unset_secrets(model)}
    for path, value in find_leaf_values(model):
        if value is not None:
            yield EffectiveSettings(path, value, _origin(settings, (section, *path)))
        elif path in unset:
            yield _missing_secret(settings, path)
        else:
            yield EffectiveSettings(path, defaults.get(format_path(path)), "default")


def _origin(settings: Settings, path: KeyPath) -> str:
    """Return where a value comes from: it may be made of a table whose values have origins of their own."""
    return next((where for known, where in settings.origins.items() if known[: len(path)] == path), "default")


def _missing_secret(settings: Settings, path: KeyPath) -> EffectiveSettings:
    if settings.production:
        return EffectiveSettings(path, None, "production does not start without it")
    return EffectiveSettings(path, _HIDDEN, f"default: generated in {settings.data_folder}")
