"""Pages, comments and docstrings name files and folders that there are."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from tests.architecture.source_tree import ROOT

_FOLDERS = ("docs/", "libs/", "scripts/", "README", "CONTRIBUTING")
_NAMED = re.compile(r"`([a-z_]+(?:/[a-z_]+)+)(\.[a-z]+)?(?:\.[A-Za-z_]+)?`")
"""A path within backticks: `sql/store`, `sql/store.py`, or a name in it, `sql/store.SqlStore`."""


_MADE_BY_READERS = frozenset({"src/todo/doctypes/reminder.py", "dist/packages"})
"""What a page tells its reader to make."""


def check_named_files(pages: Iterable[Path], files: Iterable[str]) -> list[str]:
    """Paths on pages that are the end of no file and no folder."""
    known: set[str] = set()
    for name in files:
        path = PurePosixPath(name)
        for whole in (path, path.with_suffix(""), *path.parents):
            known.update("/".join(whole.parts[start:]) for start in range(len(whole.parts)))
    return [
        f"{page.name}: {named[1]}{named[2] or ''}"
        for page in pages
        for named in _NAMED.finditer(page.read_text(encoding="utf-8"))
        if not {f"{named[1]}{named[2] or ''}", named[1]} & (known | _MADE_BY_READERS)
    ]


def test_texts_name_files_that_there_are() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = listed.stdout.splitlines()
    texts = [ROOT / name for name in files if name.startswith(_FOLDERS) and name.endswith((".md", ".py", ".toml"))]
    assert len(texts) > 500
    assert check_named_files(texts, files) == []


def test_a_file_that_is_gone_fails(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`sql/store`, `sql/store.py`, `sql/store.Store`, `std/sql`, `sql/gone`, `sql/gone.py`, `x/y z`")
    assert check_named_files([page], ["libs/std/sql/store.py"]) == ["page.md: sql/gone", "page.md: sql/gone.py"]
