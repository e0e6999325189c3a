"""The Alembic script directory of an app. Apps have no `env.py`; this module takes its place."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from alembic.script import ScriptDirectory

from framework_m_core.domain.errors import ConfigurationError
from framework_m_standard.sql.migrations.autogenerate.rendering import imports_of, render
from framework_m_standard.sql.migrations.files.patches import PATCHES
from framework_m_standard.sql.migrations.files.revisions import VERSIONS
from framework_m_standard.sql.schema.changes import Change, reversed_changes

__all__ = ["make_folders", "open_scripts", "write_patch", "write_revision"]

_TEMPLATES = Path(__file__).parent / "templates"
_LONGEST_ID = 32
"""The longest revision id that Alembic's table can hold, in characters."""

_NO_LETTERS = "change"
"""The file name for a message without characters that are allowed in file names."""

_PATCH = '''"""{message}."""

from framework_m import Documents

after = "{after}"


async def run(documents: Documents) -> None:
    """Run once, as the system, in its own transaction, with hooks and validation as usual."""
'''


def open_scripts(folder: Path) -> ScriptDirectory:
    """Return the revisions in a folder as Alembic's script directory."""
    return ScriptDirectory(
        str(_TEMPLATES),
        version_locations=[str(folder / VERSIONS)],
        file_template="%(rev)s",
        messaging_opts={"quiet": True},
    )


def make_folders(folder: Path) -> list[Path]:
    """Create the missing folders of the migrations and return them."""
    missing = [place for place in (folder / VERSIONS, folder / PATCHES) if not place.is_dir()]
    for place in missing:
        place.mkdir(parents=True)
        (place / ".gitkeep").touch()  # git does not track empty folders
    return missing


def write_revision(folder: Path, message: str, changes: Sequence[Change]) -> Path:
    """Write a revision after the newest one."""
    id = _next_name(folder / VERSIONS, message)
    upgrades, downgrades = render(changes), render(reversed_changes(changes))
    script = open_scripts(folder).generate_revision(
        id,
        message.strip(),
        version_path=str(folder / VERSIONS),
        upgrades=_body(upgrades),
        downgrades=_body(downgrades),
        imports=_import_lines(upgrades, downgrades),
    )
    assert script is not None  # noqa: S101 - Alembic returns the script of a file that it has written
    return Path(script.path)


def write_patch(folder: Path, message: str, after: str) -> Path:
    """Write an empty patch."""
    path = folder / PATCHES / f"{_next_name(folder / PATCHES, message)}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_PATCH.format(message=message.strip().rstrip("."), after=after), encoding="utf-8")
    return path


def _next_name(folder: Path, message: str) -> str:
    """Return a name such as `0007_add_phone`, numbered after the last file, so that files sort in order."""
    letters = unicodedata.normalize("NFKD", message.lower()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "_", letters).strip("_") or _NO_LETTERS
    if not any(map(str.isalnum, message)) or '"""' in message or "\n" in message or "\\" in message:
        raise ConfigurationError(f"expected a short message such as 'add phone to customer', got {message!r}")
    numbers = [int(found[1]) for path in folder.glob("*.py") if (found := re.match(r"(\d{4,})_", path.name))]
    return f"{max(numbers, default=0) + 1:04}_{slug}"[:_LONGEST_ID].rstrip("_")


def _body(code: str) -> str:
    """Return the code indented, with `pass` where it is nothing but comments."""
    lines = code.splitlines()
    if all(line.startswith("#") for line in lines):
        lines.append("pass")
    return textwrap.indent("\n".join(lines), "    ").lstrip()


def _import_lines(*bodies: str) -> str:
    lines = imports_of(*bodies)
    own = [line for line in lines if line.startswith("import ") and "sqlalchemy" not in line]
    vendors = [line for line in lines if line not in own]
    return "\n\n".join("\n".join(part) for part in (own, vendors) if part)
