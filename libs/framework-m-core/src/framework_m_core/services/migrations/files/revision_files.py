"""New revision files, whose text is the same on all stores but for the functions' heads and bodies."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from framework_m_core.services.migrations.files.app_files import MigrationFiles
from framework_m_core.services.migrations.files.folders import make_file_name
from framework_m_core.services.migrations.files.record import StepId
from framework_m_core.services.migrations.files.revisions import VERSIONS
from framework_m_core.services.migrations.files.source_code import BODY, mark_long_lines

__all__ = ["RevisionStyle", "write_revision"]

_FILE: Final = '''{heading}

from __future__ import annotations

{imports}revision: str = "{id}"
down_revision: str | None = {down}
{adopts}

{define} upgrade({parameters}) -> None:
    """Apply the revision."""
    {upgrades}


{define} downgrade({parameters}) -> None:
    """Revert the revision."""
    {downgrades}
'''


@dataclass(frozen=True, slots=True)
class RevisionStyle:
    """How a store's revisions are written: `def` or `async def`, parameters, and imports by the words that need them.

    The word of `always` is imported in any case.
    """

    define: str
    parameters: str
    imports: Mapping[str, str]
    always: str | None = None


def write_revision(
    files: MigrationFiles,
    message: str,
    style: RevisionStyle,
    upgrades: str,
    downgrades: str,
    adopts: StepId | None = None,
) -> Path:
    """Write a revision of an app after its newest one; the bodies are code without indentation."""
    folder = files.folder / VERSIONS
    id = make_file_name(folder, message)
    imports = _import_lines(style, upgrades, downgrades)
    text = _FILE.format(
        heading=_heading(message.strip()),
        imports=f"{imports}\n\n" if imports else "",
        id=id,
        down=f'"{files.newest}"' if files.newest else None,
        adopts=f'adopts: str | None = "{adopts}"\n' if adopts else "",
        define=style.define,
        parameters=style.parameters,
        upgrades=_body(upgrades),
        downgrades=_body(downgrades),
    )
    path = folder / f"{id}.py"
    path.write_text(text, encoding="utf-8")
    return path


def _heading(message: str) -> str:
    end = " " if message.endswith('"') else ""
    return mark_long_lines(f'"""{message}{end}"""', indent=0)


def _body(code: str) -> str:
    """Return the code indented, with `pass` where it is nothing but comments."""
    lines = code.splitlines()
    if all(line.startswith("#") for line in lines):
        lines.append("pass")
    return textwrap.indent("\n".join(lines), " " * BODY).lstrip()


def _import_lines(style: RevisionStyle, *bodies: str) -> str:
    """Return the import lines that the bodies need: the standard library's, then others."""
    lines = [line.partition("#")[0] for body in bodies for line in body.splitlines()]
    found = [
        line for word, line in style.imports.items() if word == style.always or any(_uses(code, word) for code in lines)
    ]
    own = [line for line in found if line.startswith("import ") and "sqlalchemy" not in line]
    vendors = [line for line in found if line not in own]
    return "\n\n".join("\n".join(part) for part in (own, vendors) if part)


def _uses(code: str, word: str) -> bool:
    return code.startswith(word) or any(f"{before}{word}" in code for before in " (,=[{")
