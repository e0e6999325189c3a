"""Links between pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.journeys.docs.pages import PAGES, Page

_LINK = re.compile(r"\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)")


def dead_links(path: Path) -> list[str]:
    """Links to files that there are not, and to headings that there are not."""
    dead = []
    for file, heading in _LINK.findall(path.read_text(encoding="utf-8")):
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (heading and heading not in headings(target)):
            dead.append(f"{file}#{heading}" if heading else file)
    return dead


def headings(path: Path) -> set[str]:
    """The headings of a page as links name them."""
    found = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in found}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: Page(path).name)
def test_links_lead_somewhere(path: Path) -> None:
    assert dead_links(path) == []


def test_a_dead_link_is_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# It's so\n[a](#its-so) [b](gone.md) [c](page.md#gone) [d](https://example.com/x)\n")
    assert dead_links(page) == ["gone.md", "page.md#gone"]
