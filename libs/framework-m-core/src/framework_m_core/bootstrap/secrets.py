"""Secrets that no file states: generated once for development, refused in production."""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, SecretStr

from framework_m_core.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from framework_m_core.bootstrap.settings import Settings

__all__ = ["GENERATED", "data_folder", "fill_secrets", "unset_secrets"]

GENERATED = "generated_in_development"
"""A settings field with this in its `json_schema_extra` is a secret that development makes for itself."""


def fill_secrets(settings: Settings) -> Settings:
    """Settings with all generated secrets set. Raises ConfigurationError in production, naming what to set."""
    missing = [(section, field) for section, model in settings.sections.items() for field in unset_secrets(model)]
    if not missing:
        return settings
    if settings.production:
        problems = [
            f"[{section}] {field} is not set: give it as M_{section.upper()}__{field.upper()}"
            for section, field in missing
        ]
        raise ConfigurationError("production does not start without its secrets:", problems)
    sections, origins = dict(settings.sections), dict(settings.origins)
    for section, field in missing:
        file = data_folder(settings.data_folder) / f"{section}_{field}"
        sections[section] = sections[section].model_copy(update={field: SecretStr(_kept(file))})
        origins[section, field] = f"generated, {file}"
    return replace(settings, sections=sections, origins=origins)


def data_folder(folder: Path) -> Path:
    """The `.m/` folder, made for its owner alone and ignored by git."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return folder


def unset_secrets(model: BaseModel) -> list[str]:
    """The generated secrets of a section that nobody has set."""
    return [
        name
        for name, info in type(model).model_fields.items()
        if isinstance(info.json_schema_extra, dict)
        and info.json_schema_extra.get(GENERATED)
        and getattr(model, name) is None
    ]


def _kept(file: Path) -> str:
    """The secret in a file; of several processes that start at once, the first to create it decides."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secret := secrets.token_urlsafe(48))
    return secret
