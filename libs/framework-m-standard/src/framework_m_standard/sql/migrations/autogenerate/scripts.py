"""The Alembic script directory of an app. Apps have no `env.py`; this module takes its place."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from alembic.script import ScriptDirectory

from framework_m_core.spi import VERSIONS, is_wide, make_file_name
from framework_m_standard.sql.migrations.autogenerate.rendering import imports_of, render
from framework_m_standard.sql.schema.changes import Change, reverse_changes

__all__ = ["open_scripts", "write_revision"]

_TEMPLATES = Path(__file__).parent / "templates"


def open_scripts(folder: Path) -> ScriptDirectory:
    """Return the revisions in a folder as Alembic's script directory."""
    return ScriptDirectory(
        str(_TEMPLATES),
        version_locations=[str(folder / VERSIONS)],
        file_template="%(rev)s",
        messaging_opts={"quiet": True},
    )


def write_revision(folder: Path, message: str, changes: Sequence[Change]) -> Path:
    """Write a revision after the newest one."""
    id = make_file_name(folder / VERSIONS, message)
    upgrades, downgrades = render(changes), render(reverse_changes(changes))
    script = open_scripts(folder).generate_revision(
        id,
        message.strip(),
        version_path=str(folder / VERSIONS),
        upgrades=_body(upgrades),
        downgrades=_body(downgrades),
        imports=_import_lines(upgrades, downgrades),
        is_wide=is_wide,
    )
    assert script is not None  # noqa: S101 - Alembic returns the script of a file that it has written
    return Path(script.path)


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
