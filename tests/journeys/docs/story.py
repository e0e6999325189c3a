"""A page that somebody follows from the top: its commands run, its files are written, its answers come."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.journeys.docs.pages import Block
from tests.journeys.docs.shell import Shell

__all__ = ["follow", "matches"]


def follow(
    blocks: Iterable[Block], folder: Path, *, anew: bool = False, stops: bool = False, copied: Path | None = None
) -> None:
    """Does what the blocks say in one folder, a copy of another (`copied`), or in a fresh one under each heading
    (`anew`).

    A server runs on to the end, or to the next heading (`stops`).

    Python and TOML that name a file are written to it; JSON is what the block above it has printed last, in part.
    """
    shell, heading, told = None, None, ""
    try:
        for number, block in enumerate(blocks):
            if shell is None or (anew and block.heading != heading):
                if shell is not None:
                    shell.close()
                shell = Shell(folder / str(number), copied)
            elif stops and block.heading != heading:
                shell.stop()
            heading = block.heading
            if block.language == "sh":
                told = shell.run(block.text)
            elif block.language == "json":
                response = json.loads(told.strip().splitlines()[-1])
                assert matches(response, json.loads(block.text)), f"{block.text}was promised, this came:\n{told}"
            elif block.file:
                shell.write(block.file, block.text)
    finally:
        if shell is not None:
            shell.close()


def matches(response: Any, promised: Any) -> bool:
    """Whether an answer holds all that was promised; of objects it may hold more."""
    if isinstance(promised, dict):
        return isinstance(response, dict) and all(
            name in response and matches(response[name], value) for name, value in promised.items()
        )
    if isinstance(promised, list):
        return len(response) == len(promised) and all(map(matches, response, promised))
    return bool(response == promised)
