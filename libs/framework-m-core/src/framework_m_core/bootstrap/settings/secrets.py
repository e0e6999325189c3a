"""Secrets that are not configured: generated once in development, an error in production."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import pydantic
from pydantic import BaseModel, SecretStr

from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.domain.errors import ConfigurationError

__all__ = ["GENERATED", "data_folder", "fill_secrets", "unset_secrets"]

GENERATED = "generated_in_development"
"""The key in `json_schema_extra` that marks a settings field as a secret generated in development."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def fill_secrets(settings: Settings) -> Settings:
    """Return the settings with all missing secrets generated.

    Raises ConfigurationError in production, naming what to set, and for an invalid stored secret.
    """
    if settings.production:
        _refuse_generated(settings)
    missing = [(section, field) for section, model in settings.sections.items() for field in unset_secrets(model)]
    if not missing:
        return settings
    if settings.production:
        problems = [f"[{section}] {field} is not set: set {_variable(section, field)}" for section, field in missing]
        raise ConfigurationError("production needs its secrets to start:", problems)
    sections, origins = dict(settings.sections), dict(settings.origins)
    for section, field in missing:
        file = data_folder(settings.data_folder) / f"{section}_{field}"
        sections[section] = _with_kept(sections[section], field, file, _variable(section, field))
        origins[section, field] = f"generated, {file}"
    return replace(settings, sections=sections, origins=origins)


def _refuse_generated(settings: Settings) -> None:
    """Raise ConfigurationError if production is given the secret that development made in this folder."""
    problems = []
    for section, model in settings.sections.items():
        for field in _generated_fields(model):
            value, file = getattr(model, field), settings.data_folder / f"{section}_{field}"
            if isinstance(value, SecretStr) and file.exists() and file.read_text().strip() == value.get_secret_value():
                problems.append(f"[{section}] {field} is the development secret from {file}: set a secret of its own")
    if problems:
        raise ConfigurationError("production does not start with development secrets:", problems)


def data_folder(folder: Path) -> Path:
    """Create the `.m/` folder if needed, accessible only to its owner and ignored by git, and return it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return folder


def unset_secrets(model: BaseModel) -> list[str]:
    """Return the names of unset secrets in a section that development generates."""
    return [name for name in _generated_fields(model) if getattr(model, name) is None]


def _generated_fields(model: BaseModel) -> list[str]:
    return [
        name
        for name, info in type(model).model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get(GENERATED)
    ]


def _variable(section: str, field: str) -> str:
    return f"M_{section}__{field}".upper()


def _with_kept(model: BaseModel, field: str, file: Path, variable: str) -> BaseModel:
    """Return a section with the secret of a file, validated like a configured one. Raises ConfigurationError."""
    given = {name: getattr(model, name) for name in model.model_fields_set}
    try:
        return type(model).model_validate({**given, field: _kept(file, variable)})
    except pydantic.ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigurationError(
            f"{file} does not hold a valid secret: {reason}; delete the file to have a new one generated"
        ) from None


def _kept(file: Path, variable: str) -> str:
    """Return the secret in a file, creating it if missing. Raises ConfigurationError if others have access to it."""
    try:
        if not file.exists():
            _offer(file)
        if (mode := stat.S_IMODE(file.stat().st_mode)) & _OTHERS:
            raise ConfigurationError(
                f"{file} has mode {mode:04o}, so other users may have read the secret: delete the file to have a new "
                f"one generated; if every file here has such a mode, set {variable} instead"
            )
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"could not store the secret in {file}: {error}; set {variable} instead") from error


def _offer(file: Path) -> None:
    """Create a secret file atomically: of several concurrent processes, the first to link its own wins."""
    descriptor, draft = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(secrets.token_urlsafe(48))
            stream.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        os.unlink(draft)
