"""What Python may import from below a folder: modules, their caches, migrations, and the folders that hold them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.machinery import all_suffixes
from pathlib import Path
from typing import Final

from framework_m_core.domain.errors import ConfigurationError

__all__ = ["find_importable_files"]

_MODULES: Final = tuple(all_suffixes())
_MAX_ENTRIES: Final = 200_000
_NOT_IMPORTED: Final = frozenset({"node_modules"})


def find_importable_files(folder: Path) -> Iterator[Path]:
    """Yield the modules below a folder, compiled ones and those behind symbolic links too, each after its folders.

    Folders whose names no import statement can have are passed over, and so are virtual environments. Raises
    ConfigurationError if there is more below the folder than is worth a look at each start.
    """
    seen, yielded, left, count = set[str](), set[Path](), [folder], 0
    while left:
        place = left.pop()
        if (real := os.path.realpath(place)) in seen:
            continue
        seen.add(real)
        entries = _entries(place)
        count += len(entries)
        if count > _MAX_ENTRIES:
            raise ConfigurationError(
                f"expected at most {_MAX_ENTRIES} files below {folder}, got more: move what is not code elsewhere"
            )
        modules = [Path(entry.path) for entry in entries if entry.name.endswith(_MODULES) and entry.is_file()]
        for module in modules:
            yield from _unknown_folders(module, folder, yielded)
            yield module
        left += [Path(entry.path) for entry in entries if _may_be_package(entry.name) and entry.is_dir()]


def _entries(place: Path) -> list[os.DirEntry[str]]:
    """Return what is in a folder; nothing of one that cannot be read, and so not be imported, nor of an environment."""
    try:
        with os.scandir(place) as found:
            entries = [entry for entry in found if not entry.name.startswith(".")]
    except OSError:
        return []
    return [] if any(entry.name == "pyvenv.cfg" for entry in entries) else entries


def _may_be_package(name: str) -> bool:
    return name.isidentifier() and name not in _NOT_IMPORTED


def _unknown_folders(module: Path, top: Path, yielded: set[Path]) -> Iterator[Path]:
    """Yield the folders that hold a module, from the top, that have not been yielded."""
    holding = [place for place in module.parents if place != top and place.is_relative_to(top)]
    new = [place for place in reversed(holding) if place not in yielded]
    yielded.update(new)
    yield from new
