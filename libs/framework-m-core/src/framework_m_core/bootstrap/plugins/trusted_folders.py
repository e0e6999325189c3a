"""Which folders' code may run: the user's own, and those that the user trusts."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from framework_m_core.bootstrap.plugins.discovery import Discovered
from framework_m_core.bootstrap.plugins.importable_files import find_importable_files
from framework_m_core.domain.errors import ConfigurationError

__all__ = ["CONFIG_FILE", "TRUSTED", "add_trusted", "check_owner", "make_importable"]

CONFIG_FILE: Final = "framework_config.toml"
TRUSTED: Final = "M_TRUSTED_FOLDERS"
"""The variable that lists trusted folders, as PATH lists its own. What is below them is trusted, too."""

_ROOT: Final = 0
_OTHERS_MAY_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


def make_importable(discovered: Discovered, environment: Mapping[str, str]) -> Discovered:
    """Put the sources of the app in a folder in front of `sys.path`. Raises ConfigurationError if it is not trusted."""
    if discovered.folder is None:
        return discovered
    check_owner(_files_of(discovered.folder), environment)
    for source in reversed(discovered.sources):
        if str(source) not in sys.path:
            sys.path.insert(0, str(source))
    return discovered


def check_owner(paths: Iterable[Path], environment: Mapping[str, str]) -> None:
    """Raise ConfigurationError for files and folders of another user that are not trusted, or that others may write.

    Root's are as good as one's own. One's own may be written by one's group, but by everybody only if they are trusted.
    """
    trusted = [Path(place).resolve() for place in environment.get(TRUSTED, "").split(os.pathsep) if place]
    user = os.geteuid()
    for path in paths:
        found = path.stat()
        writable = found.st_mode & (stat.S_IWOTH if found.st_uid == user else _OTHERS_MAY_WRITE)
        if found.st_uid in {user, _ROOT} and not writable:
            continue
        is_trusted = any(path.resolve().is_relative_to(folder) for folder in trusted)
        if writable and not (is_trusted and found.st_uid == user):
            raise ConfigurationError(
                f"{_owner_of(found.st_uid, path)} others may write it: nothing of it is run; after a look at what "
                f"is there: chmod -R go-w {_folder(path)}"
            )
        if not is_trusted:
            raise ConfigurationError(
                f"{path} belongs to another user: nothing of it is run; if you trust it, run the command again with "
                f"--trust, or set {TRUSTED}={_folder(path)}"
            )


def _owner_of(owner: int, path: Path) -> str:
    return f"{path} is yours, but" if owner == os.geteuid() else f"{path} belongs to another user, and"


def add_trusted(folder: Path, environment: Mapping[str, str]) -> str:
    """Return the value of M_TRUSTED_FOLDERS that adds the folders from which a command in this one reads its app."""
    read = [
        str(place)
        for place in (folder, *folder.parents)
        if any((place / name).is_file() for name in ("pyproject.toml", CONFIG_FILE))
    ]
    return os.pathsep.join(filter(None, [environment.get(TRUSTED), *read]))


def _files_of(folder: Path) -> Iterator[Path]:
    """Yield what decides about the code that an app runs: its folder, `pyproject.toml`, and what may be imported."""
    yield from (folder, folder / "pyproject.toml")
    yield from find_importable_files(folder)


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent
