"""The folder `migrations/` of an app: its parts, the names of new files, and new patches."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.services.migrations.files.patches import PATCHES
from framework_m_core.services.migrations.files.revisions import VERSIONS
from framework_m_core.services.migrations.files.source_code import mark_long_lines

__all__ = ["create_folders", "delete_on_failure", "make_file_name", "make_folders", "write_patch"]

_KEEP: Final = ".gitkeep"
_MAX_NAME: Final = 32
"""The longest name of a file, in characters, which is what Alembic's table can hold."""

_DEFAULT_SLUG: Final = "change"
"""The file name for a message without characters that are allowed in file names."""

_PATCH: Final = '''{heading}

from framework_m import Documents

after = "{after}"


async def run(documents: Documents) -> None:
    """Run once, as the system, in its own transaction, with hooks and validation as usual."""
'''


def make_folders(folder: Path) -> list[Path]:
    """Create the missing folders of the migrations and return them."""
    missing = [place for place in (folder / VERSIONS, folder / PATCHES) if not place.is_dir()]
    for place in missing:
        place.mkdir(parents=True)
        (place / _KEEP).touch()  # git does not track empty folders
    return missing


@contextmanager
def create_folders(folder: Path) -> Iterator[list[Path]]:
    """Create the missing folders; remove them again if the block fails."""
    is_new = not folder.exists()
    made = make_folders(folder)
    try:
        yield made
    except BaseException:
        for place in made:
            (place / _KEEP).unlink()
            place.rmdir()
        if is_new:
            folder.rmdir()
        raise


@contextmanager
def delete_on_failure(path: Path) -> Iterator[None]:
    """Delete a newly written revision if the block, which records it in the store, fails."""
    try:
        yield
    except BaseException:
        path.unlink()
        raise


def write_patch(folder: Path, message: str, after: str) -> Path:
    """Write an empty patch."""
    path = folder / PATCHES / f"{make_file_name(folder / PATCHES, message)}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    heading = mark_long_lines(f'"""{message.strip().rstrip(".")}."""', indent=0)
    path.write_text(_PATCH.format(heading=heading, after=after), encoding="utf-8")
    return path


def make_file_name(folder: Path, message: str) -> str:
    """Return a name such as `0007_add_phone`, numbered after the last file, so that files sort in order."""
    letters = unicodedata.normalize("NFKD", message.lower()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "_", letters).strip("_") or _DEFAULT_SLUG
    if not any(map(str.isalnum, message)) or '"""' in message or "\n" in message or "\\" in message:
        raise ConfigurationError(f"expected a short message such as 'add phone to customer', got {message!r}")
    numbers = [int(found[1]) for path in folder.glob("*.py") if (found := re.match(r"(\d{4,})_", path.name))]
    return f"{max(numbers, default=0) + 1:04}_{slug}"[:_MAX_NAME].rstrip("_")
