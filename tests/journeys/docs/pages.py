"""The pages of the documentation and their code blocks."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.product import ROOT

__all__ = ["PAGES", "Block", "Page", "blocks_of"]

PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "libs").glob("*/README.md")),
    *sorted((ROOT / "examples").glob("*/README.md")),
)
_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"# ([\w./-]+\.\w+)\n")


@dataclass(frozen=True)
class Block:
    """A code block: what its fence says, its text, and the heading that it stands under."""

    language: str
    text: str
    heading: str = ""

    @property
    def file(self) -> str | None:
        """The file that the block is, where its first line says so."""
        found = _FILE.match(self.text)
        return found[1] if found else None


@dataclass(frozen=True)
class Page:
    """A page by its path from the root."""

    path: Path

    @property
    def name(self) -> str:
        """Its path."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def blocks(self) -> list[Block]:
        """Its code blocks, in order."""
        return [*blocks_of(self.path.read_text(encoding="utf-8"))]


def blocks_of(text: str) -> Iterator[Block]:
    """The code blocks of a text. Raises ValueError for a fence that none of them has."""
    found = [*_BLOCK.finditer(text)]
    if len(re.findall(r"^ *```", text, re.MULTILINE)) != 2 * len(found):
        raise ValueError("a code block is not closed as it was opened")
    for block in found:
        headings = re.findall(r"^## (.*)$", text[: block.start()], re.MULTILINE)
        yield Block(block["language"], textwrap.dedent(block["text"]), headings[-1] if headings else "")
