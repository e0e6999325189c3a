"""The file of an SQLite database: accessible to its owner only, on a disk with free space."""

from __future__ import annotations

import logging
import os
import stat
from pathlib import Path
from typing import Final

from framework_m_core.spi import ConfigurationError, TransientError

__all__ = ["check_room", "prepare_file"]

_OWN: Final = 0o600
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_MIN_BYTES: Final = 1024 * 1024

_log = logging.getLogger(__name__)


def prepare_file(path: Path) -> None:
    """Create the file with mode 0600, which SQLite gives to its journals too; warn if others may read an existing one.

    Raises OSError, and ConfigurationError if everybody may replace the files of its folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = path.parent.stat().st_mode
    if folder & stat.S_IWOTH and not folder & stat.S_ISVTX:
        raise ConfigurationError(
            f"expected a folder in which only its owner may write, got {path.parent}, where everybody may replace the "
            f"database: chmod o-w {path.parent}"
        )
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _OWN))
    except FileExistsError:
        if path.stat().st_mode & _OTHERS:
            _log.warning("others may read the database %s, password hashes included: chmod 600 it", path)


def check_room(path: Path) -> None:
    """Raise TransientError if the disk is full, or the file may not be written."""
    disk = os.statvfs(path)
    if disk.f_bavail * disk.f_frsize < _MIN_BYTES:
        raise TransientError(f"the disk of the database file {path} is full")
    if not os.access(path, os.W_OK):
        raise TransientError(f"the database file {path} may not be written")
