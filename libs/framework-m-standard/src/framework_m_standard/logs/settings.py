"""Section `[logs]`: the level and format of log records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from framework_m_core.interfaces.bootstrap import SettingsView

__all__ = ["LogSettings"]


class LogSettings(BaseModel):
    """The level and format of log records."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    level: Literal["auto", "debug", "info", "warning", "error", "critical"] = Field(
        default="auto",
        description="The lowest level to write; `auto` is `warning`, and `info` for the app's loggers in development.",
    )
    format: Literal["auto", "json", "text"] = Field(
        default="auto",
        description="One JSON object a line, or a readable line; `auto` is `json` in production, else `text`.",
    )

    def effective(self, settings: SettingsView) -> Mapping[str, Any]:
        """Return the effective values of unset settings."""
        return {"level": self.root_level, "format": self.choose_format(production=settings.production)}

    @property
    def root_level(self) -> str:
        """The lowest level to write, but for loggers with one of their own."""
        return "warning" if self.level == "auto" else self.level

    def choose_format(self, *, production: bool) -> Literal["json", "text"]:
        """Return the format without `auto`."""
        if self.format == "auto":
            return "json" if production else "text"
        return self.format
