"""Secrets that are not configured: generated once in development, an error in production."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pydantic
from pydantic import BaseModel, SecretStr

from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.bootstrap.settings.paths import (
    KeyPath,
    find_field,
    find_leaf_values,
    format_path,
    key_of,
    variable_of,
)
from framework_m_core.domain.errors import ConfigurationError

__all__ = ["GENERATED", "fill_secrets", "find_unset_secrets", "make_data_folder"]

GENERATED = "generated_in_development"
"""The key in `json_schema_extra` that marks a settings field as a secret generated in development."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def fill_secrets(settings: Settings) -> Settings:
    """Return the settings with all missing secrets generated.

    Raises ConfigurationError in production, naming what to set, and for an invalid stored secret.
    """
    if settings.production:
        _refuse_generated(settings)
    missing = [(section, path) for section, model in settings.sections.items() for path in find_unset_secrets(model)]
    if not missing:
        return settings
    if settings.production:
        errors = [
            f"[{section}] {format_path(path)} is not set: set {variable_of(section, path)}" for section, path in missing
        ]
        raise ConfigurationError("production needs its secrets to start:", errors)
    sections, origins = dict(settings.sections), dict(settings.origins)
    make_data_folder(settings.data_folder)
    for section, path in missing:
        file = _file_of(settings, section, path)
        sections[section] = _with_stored_secret(sections[section], path, file, variable_of(section, path))
        origins[section, *path] = f"generated, {file}"
    return replace(settings, sections=sections, origins=origins)


def _refuse_generated(settings: Settings) -> None:
    """Raise ConfigurationError if production is given the secret that development made in this folder."""
    errors = []
    for section, model in settings.sections.items():
        for path, value in _generated_secrets(model):
            file = _file_of(settings, section, path)
            if isinstance(value, SecretStr) and file.exists() and file.read_text().strip() == value.get_secret_value():
                errors.append(
                    f"[{section}] {format_path(path)} is the development secret from {file}: set a secret of its own"
                )
    if errors:
        raise ConfigurationError("production does not start with development secrets:", errors)


def _file_of(settings: Settings, section: str, path: KeyPath) -> Path:
    """Return the file of a secret; keys that an app chooses cannot lead out of the folder."""
    return settings.data_folder / f"{section}_{quote(format_path(path), safe='')}"


def make_data_folder(folder: Path) -> Path:
    """Create the `.m/` folder if needed, accessible only to its owner and ignored by git, and return it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return folder


def find_unset_secrets(model: BaseModel) -> list[KeyPath]:
    """Return the paths of unset secrets in a section, or in its tables, that development generates."""
    return [path for path, value in _generated_secrets(model) if value is None]


def _generated_secrets(model: BaseModel) -> Iterator[tuple[KeyPath, Any]]:
    """Yield the secrets that development generates, by path, with their values."""
    for path, value in find_leaf_values(model):
        info = find_field(type(model), path)
        if info is not None and isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get(GENERATED):
            yield path, value


def _with_stored_secret(model: BaseModel, path: KeyPath, file: Path, variable: str) -> BaseModel:
    """Return a section with the secret of a file, validated like a configured one. Raises ConfigurationError."""
    try:
        section: BaseModel = _with_value(model, path, _read_or_create(file, variable))
        return section
    except pydantic.ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigurationError(
            f"{file} does not hold a valid secret: {reason}; delete the file to have a new one generated"
        ) from None


def _with_value(table: Any, path: KeyPath, value: str) -> Any:
    """Return a copy of a model, or of a table of models, with the value at a path, validated."""
    if not path:
        return value
    key, *below = path
    if isinstance(table, dict):
        return {**table, key: _with_value(table[key], (*below,), value)}
    fields = {key_of(name, info): name for name, info in type(table).model_fields.items()}
    given = {at: getattr(table, name) for at, name in fields.items() if name in table.model_fields_set}
    return type(table).model_validate(given | {key: _with_value(getattr(table, fields[key]), (*below,), value)})


def _read_or_create(file: Path, variable: str) -> str:
    """Return the secret in a file, creating it if missing. Raises ConfigurationError if others have access to it."""
    try:
        if not file.exists():
            _create_file(file)
        if (mode := stat.S_IMODE(file.stat().st_mode)) & _OTHERS:
            raise ConfigurationError(
                f"{file} has mode {mode:04o}, so other users may have read the secret: delete the file to have a new "
                f"one generated; if every file here has such a mode, set {variable} instead"
            )
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"could not store the secret in {file}: {error}; set {variable} instead") from error


def _create_file(file: Path) -> None:
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
