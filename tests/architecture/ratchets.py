"""Lists of exceptions that may only shrink: what is on them and no longer breaks the rule must leave them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

RATCHETS = Path(__file__).with_name("ratchets.toml")


def ratchet(name: str) -> Any:
    """The exceptions of one rule."""
    return tomllib.loads(RATCHETS.read_text(encoding="utf-8"))[name]


def against_ratchet(found: Iterable[str], listed: Iterable[str]) -> list[str]:
    """Findings that are not listed, and entries that are no longer found."""
    seen, known = set(found), set(listed)
    return [
        *sorted(seen - known),
        *(f"{entry}: no longer so, take it off the list" for entry in sorted(known - seen)),
    ]
