"""Lock files pin hashes and name no registry host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.source_tree import ROOT, SKIPPED

REQUIREMENT = re.compile(r"^[A-Za-z0-9]", re.MULTILINE)


def check_lock_files(root: Path) -> list[str]:
    """Addresses in Python locks, unpinned or unhashed requirements, resolved addresses in npm locks."""
    python = _files(root, "requirements*.lock")
    assert python, f"nothing to look at in {root}"
    npm = _files(root, "package-lock.json")
    return [
        *(error for path in python for error in _check_python(path)),
        *(f"{path.name}: records an address" for path in npm if "://" in path.read_text(encoding="utf-8")),
    ]


def _files(root: Path, pattern: str) -> list[Path]:
    skipped = SKIPPED | {".venv", ".tools"}
    return [path for path in root.rglob(pattern) if not skipped & set(path.relative_to(root).parts)]


def _check_python(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    errors = [f"{path.name}: names a host"] if "://" in text else []
    for entry in text.replace("\\\n", " ").splitlines():
        if REQUIREMENT.match(entry) and not ("==" in entry and "--hash=sha256:" in entry):
            errors.append(f"{path.name}: {entry.split()[0]} is not pinned by hash")
    return errors


def test_lock_files_are_pinned_and_host_free() -> None:
    assert check_lock_files(ROOT) == []


def test_an_address_and_a_missing_hash_fail(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text(
        "a==1 \\\n    --hash=sha256:00\nb==2\nc @ https://host.invalid/c.whl\n", encoding="utf-8"
    )
    (tmp_path / "package-lock.json").write_text('{"resolved": "https://host.invalid/c.tgz"}', encoding="utf-8")
    assert check_lock_files(tmp_path) == [
        "requirements.lock: names a host",
        "requirements.lock: b==2 is not pinned by hash",
        "requirements.lock: c is not pinned by hash",
        "package-lock.json: records an address",
    ]


def test_a_repository_without_locks_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="nothing to look"):
        check_lock_files(tmp_path)
