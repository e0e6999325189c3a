"""Effective settings: configured values, or else the framework's defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel, SecretStr

from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.bootstrap.settings.secrets import unset_secrets

__all__ = ["EffectiveSettings", "effective_settings"]

_HIDDEN = SecretStr("")


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """One setting: its value, if any, and its origin."""

    key: str
    value: Any
    origin: str


@runtime_checkable
class _HasDefaults(Protocol):
    """A settings model with defaults that depend on the app and its environment."""

    def effective(self, settings: Settings) -> Mapping[str, Any]:
        """Return the effective values of unset settings, by key."""
        ...


def effective_settings(settings: Settings, section: str) -> Iterator[EffectiveSettings]:
    """Yield the settings of a section."""
    model = settings.sections[section]
    defaults = model.effective(settings) if isinstance(model, _HasDefaults) else {}
    for key, value in {**dict(model), **(model.model_extra or {})}.items():
        if value is None:
            yield _unset(settings, model, key, defaults.get(key))
        else:
            yield EffectiveSettings(key, value, settings.origins.get((section, key), "default"))


def _unset(settings: Settings, model: BaseModel, key: str, default: Any) -> EffectiveSettings:
    if key not in unset_secrets(model):
        return EffectiveSettings(key, default, "default")
    if settings.production:
        return EffectiveSettings(key, None, "production does not start without it")
    return EffectiveSettings(key, _HIDDEN, f"default: generated in {settings.data_folder}")
