"""Editing of `framework_config.toml` that preserves comments and layout."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.container import OutOfOrderTableProxy
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Table

from framework_m_core.domain.errors import ConfigurationError

__all__ = ["write_setting"]


def write_setting(file: Path, path: Sequence[str], value: Any) -> None:
    """Set the value at a path of keys atomically, creating the file if missing. Raises ConfigurationError."""
    try:
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        document = tomlkit.parse(before)
        if path[0] not in document:
            if before and not before.endswith("\n\n"):
                document.add(tomlkit.nl())
            document[path[0]] = tomlkit.table()
        table: Any = document
        for length in range(1, len(path)):
            table = _table_at(file, table, path[:length])
        _set(table, path[-1], value)
        _replace(file.resolve(), tomlkit.dumps(document))
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not valid TOML, fix it first: {error}") from error
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror or error}") from error


def _table_at(file: Path, above: Any, path: Sequence[str]) -> Table | InlineTable:
    """Return the table at a path, made if missing. Raises ConfigurationError."""
    key = path[-1]
    if key not in above:
        above[key] = tomlkit.inline_table() if isinstance(above, InlineTable) else tomlkit.table()
    table, name = above[key], ".".join(path)
    if isinstance(table, OutOfOrderTableProxy):
        raise ConfigurationError(f"{file}: expected [{name}] once, got it in several places: merge them first")
    if not isinstance(table, Table | InlineTable):
        raise ConfigurationError(f"{file}: expected a section {name!r}, got a value: remove it first")
    return table


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
