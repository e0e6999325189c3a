"""Atomic creation of new files: all of them or none, never overwriting existing ones."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from framework_m_core.domain.errors import ConfigurationError

__all__ = ["place_files", "place_folder"]

_HARMLESS: Final = frozenset({".git"})
"""Entries that an empty folder may contain, since a new repository is still empty."""


def place_folder(target: Path, files: Iterable[tuple[str, str]]) -> None:
    """Create a folder with files; an existing one must be empty.

    On failure, raise ConfigurationError and write nothing.
    """
    _require_empty(target)
    ground = next(parent for parent in target.parents if parent.is_dir())
    with _readable_failures(target), tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=ground) as folder:
        draft = Path(folder) / "draft"
        for path, text in files:
            file = draft / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        _move_in(draft, target)


def place_files(files: Iterable[tuple[Path, str]]) -> None:
    """Write files that do not exist yet; if one cannot be written, remove the earlier ones.

    Raises ConfigurationError.
    """
    written: list[Path] = []
    try:
        for path, text in files:
            with _readable_failures(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("x", encoding="utf-8") as stream:
                    written.append(path)
                    stream.write(text)
    except BaseException:
        for path in written:
            path.unlink()
        raise


def _require_empty(target: Path) -> None:
    if target.is_dir():
        found = sorted({entry.name for entry in target.iterdir()} - _HARMLESS)
        if found:
            raise ConfigurationError(
                f"expected an empty folder, got {target} with {found[0]}: choose another folder, --into DIR"
            )
    elif target.exists() or target.is_symlink():
        raise ConfigurationError(f"expected a folder, got the file {target}: choose another place, --into DIR")


def _move_in(draft: Path, target: Path) -> None:
    """Rename the draft to a new folder, or move its entries into an existing one, which may be a shell's directory."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.rename(target)
        return
    moved: list[Path] = []
    try:
        for entry in sorted(draft.iterdir()):
            moved.append(entry.rename(target / entry.name))
    except BaseException:
        for entry in moved:
            entry.rename(draft / entry.name)
        raise


@contextmanager
def _readable_failures(target: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise ConfigurationError(f"{error.filename or target} exists: nothing was written") from error
    except OSError as error:
        raise ConfigurationError(f"cannot write {target}: {error.strerror or error}") from error
