"""Remove each guard of `guards.toml` from a copy of the source, and require its test to fail: `make guards`.

A test that passes without its guard proves nothing.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LISTED = Path(__file__).with_name("guards.toml")
SKIPPED = shutil.ignore_patterns(".git", ".venv", ".tools", "node_modules", "dist", "__pycache__", ".*_cache", ".m")
PASSED, FAILED = 0, 1


@dataclass(frozen=True)
class Guard:
    """A piece of source on which security depends, and the test that must fail without it."""

    name: str
    number: int
    file: str
    old: str
    new: str
    test: str

    def remove(self, root: Path) -> str:
        """Remove the guard and return the original source. Exit unless the source contains it exactly once."""
        path = root / self.file
        source = path.read_text(encoding="utf-8")
        if source.count(self.old) != 1:
            sys.exit(f"{self.name}: expected its text once in {self.file}, got it {source.count(self.old)} times")
        path.write_text(source.replace(self.old, self.new), encoding="utf-8")
        return source


def guards(names: list[str]) -> list[Guard]:
    """Return the listed guards, or those whose name contains one of the given words."""
    listed = tomllib.loads(LISTED.read_text(encoding="utf-8"))
    found = [Guard(**{**one, "test": listed["tests"][one["test"]]}) for one in listed["guard"]]
    return [one for one in found if not names or any(name in one.name for name in names)]


def run(root: Path, test: str) -> int:
    """Run a test on the sources of a copy and return pytest's exit code."""
    sources = os.pathsep.join(str(path) for path in sorted(root.glob("libs/*/src")))
    environment = {**os.environ, "PYTHONPATH": sources, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", *shlex.split(test)]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in {PASSED, FAILED}:
        sys.exit(f"cannot run {test}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.returncode


def main() -> int:
    """Check the guards; return 1 if a test passes without its guard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", metavar="WORD", help="check only guards whose name contains one of these")
    chosen, unmissed = guards(parser.parse_args().words), []
    if not chosen:
        parser.error("expected words of the guards' names, got none that matches; guards.toml has the names")
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        copy = Path(shutil.copytree(ROOT, Path(folder) / "source", ignore=SKIPPED))
        broken = [test for test in sorted({one.test for one in chosen}) if run(copy, test) != PASSED]
        if broken:
            sys.exit("expected tests that pass with every guard in place, got failures: " + ", ".join(broken))
        for guard in chosen:
            source = guard.remove(copy)
            is_missed = run(copy, guard.test) == FAILED
            (copy / guard.file).write_text(source, encoding="utf-8")
            print(f"{'missed' if is_missed else 'NOT MISSED'}: {guard.name} ({guard.test})", flush=True)
            unmissed += [] if is_missed else [guard.name]
    print(f"{len(chosen) - len(unmissed)} of {len(chosen)} guards are missed by their tests")
    return 1 if unmissed else 0


if __name__ == "__main__":
    sys.exit(main())
