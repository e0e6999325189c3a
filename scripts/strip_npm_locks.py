"""Remove addresses from the npm lock files, so that no host stands in a commit: `python -m scripts.strip_npm_locks`."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = (ROOT / "frontend" / "package-lock.json", ROOT / "tests" / "generators" / "package-lock.json")


def strip(lock: Path) -> None:
    """Remove where packages were downloaded from and who asks for funding; hashes stay."""
    content = json.loads(lock.read_text(encoding="utf-8"))
    for package in content["packages"].values():
        package.pop("resolved", None)
        package.pop("funding", None)
    lock.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    for one in LOCKS:
        strip(one)
