"""`Settings`: all sections as typed models, including the sections of core itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field

from framework_m_core.bootstrap.plugins.discovery import Choice, Discovered
from framework_m_core.bootstrap.settings.paths import FORMER_NAME

__all__ = ["AdapterSettings", "FrameworkSettings", "Settings"]


class FrameworkSettings(BaseModel):
    """What runs, and in which environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: Literal["development", "production"] = Field(
        default="development",
        description="In production, missing secrets, an unset `cors_origins` or a schema that is not the DocTypes' "
        "stop the start.",
    )
    apps: tuple[str, ...] | None = Field(
        default=None, description="Installed apps to load; without it, the app in the working directory."
    )
    roles: tuple[str, ...] = Field(
        default=("web", "worker", "relay"),
        min_length=1,
        description="The work of a serving process: `web` serves requests, `worker` runs event handlers and other "
        "consumers of events, `relay` feeds the event bus and prunes old events. `m worker` takes the roles that it "
        "lacks.",
    )
    handler_timeout_seconds: float = Field(
        default=300.0,
        gt=0,
        description="How long an event handler may take; after that it has failed and is retried.",
    )
    handler_concurrency: int = Field(
        default=8,
        ge=1,
        le=1000,
        description="How many events a consumer, such as an app's handlers, handles at once, each of a different key.",
    )
    event_retention_days: float = Field(
        default=7.0,
        gt=0,
        le=36500,
        description="How long events are kept; those that a consumer has not handled yet are kept longer.",
    )
    consumer_lag_minutes: float = Field(
        default=15.0,
        gt=0,
        description="The age of the oldest event not yet handled by a consumer from which `/ready` warns.",
    )
    heavy_read_timeout_seconds: float = Field(
        default=2.0,
        json_schema_extra={FORMER_NAME: "heavy_wait_seconds"},
        ge=0,
        le=60,
        description="How long a heavy read (a search, a count, an order without an index) waits for a place before "
        "it is refused.",
    )

    def effective(self, settings: Settings) -> Mapping[str, Any]:
        """Return the effective values of unset settings, by key."""
        return {"apps": [choice.name for choice in settings.local_apps]}


class AdapterSettings(BaseModel):
    """Which adapter serves which port; `store` stands for its whole family."""

    model_config = ConfigDict(extra="allow", frozen=True)


@dataclass(frozen=True, slots=True)
class Settings:
    """All sections as typed models, the origin of each value by its path, the root folder, the discovered packages."""

    sections: Mapping[str, BaseModel]
    origins: Mapping[tuple[str, ...], str]
    root: Path
    discovered: Discovered

    @property
    def local_apps(self) -> tuple[Choice, ...]:
        """The apps declared in the working directory, which need not be installed."""
        return self.discovered.apps

    @property
    def framework(self) -> FrameworkSettings:
        """Section `[framework]`."""
        return cast("FrameworkSettings", self.sections["framework"])

    @property
    def adapters(self) -> Mapping[str, str]:
        """Section `[adapters]`."""
        return self.sections["adapters"].model_extra or {}

    @property
    def production(self) -> bool:
        """True if the environment is production."""
        return self.framework.env == "production"

    @property
    def data_folder(self) -> Path:
        """The app's `.m/` folder, where the framework stores files."""
        return self.root / ".m"
