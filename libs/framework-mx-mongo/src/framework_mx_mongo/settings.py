"""Section `[mongo]`: where the database is, and how long to wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from framework_m_core.spi import SettingsView

__all__ = ["MongoSettings"]


class MongoSettings(BaseModel):
    """Where MongoDB is, and how long to wait for it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(
        default="mongodb://127.0.0.1:27017",
        description="The address of a replica set or sharded cluster: `mongodb://…` or `mongodb+srv://…`.",
    )
    database: str = Field(
        default="framework_m", min_length=1, description="The name of the database that holds the app's collections."
    )
    connect_timeout_seconds: float = Field(
        default=5.0, gt=0, description="Seconds to wait for a connection and for a server that takes writes."
    )
    statement_timeout_seconds: float = Field(default=30.0, gt=0, description="Seconds that one operation may take.")
    pool_size: int = Field(default=20, gt=0, description="The most connections of a process to each server.")
    sync_schema: bool | None = Field(
        default=None,
        description="Whether starting the app creates and extends collections, validators and indexes; by default in "
        "development while there are no migrations; true is refused in production.",
    )

    def effective(self, settings: SettingsView) -> Mapping[str, Any]:
        """Return the defaults of unset settings."""
        return {"sync_schema": not settings.production}

    @field_validator("url")
    @classmethod
    def _check_scheme(cls, value: str) -> str:
        if urlsplit(value).scheme not in {"mongodb", "mongodb+srv"}:
            raise ValueError("expected an address that begins with mongodb:// or mongodb+srv://")
        return value
