"""Print the test suites that a change touches: those of changed packages, changed tests, and always the architecture.

`python scripts/changed_suites.py origin/main` compares the working tree, untracked files included, with that branch.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ALWAYS = "tests/architecture"
_BESIDE = {
    "benchmarks": "tests/benchmarks",
    "docs": "tests/journeys/docs",
    "frontend": "tests/front_ends",
    "README.md": "tests/journeys/docs",
}


def suites_of(changed: Iterable[str]) -> list[str]:
    """Return the suites of changed files, each once and none inside of another."""
    found = {ALWAYS, *map(_suite_of, changed)} - {""}
    return sorted(suite for suite in found if not any(suite.startswith(f"{other}/") for other in found))


def _suite_of(path: str) -> str:
    match path.split("/"):
        case ["libs" | "examples" as folder, package, *_]:
            return f"{folder}/{package}/tests"
        case ["tests", *folders, file]:
            return path if file.startswith("test_") else "/".join(["tests", *folders])
        case [first, *_]:
            return _BESIDE.get(first, "")
    return ""


def changed_files(base: str) -> list[str]:
    """Return the files that differ from where this branch left `base`, and those that git does not know yet."""
    since = _git("merge-base", base, "HEAD")[0]
    return [*_git("diff", "--name-only", since), *_git("ls-files", "--others", "--exclude-standard")]


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(
            f"git {' '.join(arguments)}: {done.stderr.strip() or 'no common commit'}; set BASE to a branch"
        )
    return done.stdout.splitlines()


if __name__ == "__main__":
    print(*(suite for suite in suites_of(changed_files(sys.argv[1])) if Path(suite).exists()))
