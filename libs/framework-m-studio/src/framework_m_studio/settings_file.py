"""Editing of `framework_config.toml` that preserves comments and layout."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.container import OutOfOrderTableProxy
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Table

from framework_m_core.domain.errors import ConfigurationError

__all__ = ["write_setting"]


def write_setting(file: Path, section: str, key: str, value: Any) -> None:
    """Set one value in a file atomically, creating the file if missing. Raises ConfigurationError."""
    try:
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        document = tomlkit.parse(before)
        if section not in document:
            if before and not before.endswith("\n\n"):
                document.add(tomlkit.nl())
            document[section] = tomlkit.table()
        table = document[section]
        if isinstance(table, OutOfOrderTableProxy):
            raise ConfigurationError(f"{file}: expected [{section}] once, got it in several places: merge them first")
        if not isinstance(table, Table | InlineTable):
            raise ConfigurationError(f"{file}: expected a section {section!r}, got a value: remove it first")
        _set(table, key, value)
        _replace(file.resolve(), tomlkit.dumps(document))
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not valid TOML, fix it first: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror or error}") from error


def _set(table: Table | InlineTable, key: str, value: Any) -> None:
    """Set a value; insert a new one before the blank lines and comments that precede the next section."""
    body, led_to_next = table.value.body, []
    while key not in table and body and body[-1][0] is None:
        led_to_next.append(body.pop())
    table[key] = value
    body.extend(reversed(led_to_next))


def _replace(file: Path, text: str) -> None:
    """Replace the file atomically, keeping its permissions."""
    descriptor, draft = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        os.chmod(draft, file.stat().st_mode & 0o777 if file.exists() else 0o644)
        os.replace(draft, file)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(draft)
        raise
