"""Each security guard of `scripts/guards.toml` still stands where `make guards` would take it out."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tests.architecture.source_tree import ROOT

GUARDS: dict[str, Any] = tomllib.loads((ROOT / "scripts/guards.toml").read_text(encoding="utf-8"))


def misplaced(guards: list[dict[str, str]], root: Path) -> list[str]:
    """Return the guards whose text is not, once, in their file."""
    texts = {guard["file"]: (root / guard["file"]) for guard in guards}
    return [
        f"{guard['name']}: expected its text once in {guard['file']}"
        for guard in guards
        if not texts[guard["file"]].is_file()
        or texts[guard["file"]].read_text(encoding="utf-8").count(guard["old"]) != 1
    ]


def test_every_guard_is_where_it_is_said_to_be() -> None:
    assert GUARDS["guard"]
    assert misplaced(GUARDS["guard"], ROOT) == []


def test_every_guard_names_a_test_that_is_there() -> None:
    named = {guard["test"] for guard in GUARDS["guard"]}
    assert named <= GUARDS["tests"].keys()
    files = {selected.split()[0].partition("::")[0] for selected in GUARDS["tests"].values()}
    assert [file for file in sorted(files) if not (ROOT / file).is_file()] == []


def test_a_guard_that_has_moved_is_told(tmp_path: Path) -> None:
    (tmp_path / "here.py").write_text("if allowed:\n    pass\n")
    guards = [{"name": name, "file": name, "old": "if allowed:"} for name in ("here.py", "gone.py")]
    assert misplaced(guards, tmp_path) == ["gone.py: expected its text once in gone.py"]
