"""Markdown of tables and docstrings."""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["bullets", "one_line", "table"]

_BULLET = re.compile(r"^- `(\w+)`: (.*?)(?=^- |\n\n|\Z)", re.MULTILINE | re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from map(_row, rows)


def one_line(text: str) -> str:
    """Return a text without its line breaks."""
    return " ".join(text.split())


def bullets(documented: object) -> dict[str, str]:
    """Return the descriptions by name that a docstring lists."""
    found = {name: one_line(text) for name, text in _BULLET.findall(inspect.getdoc(documented) or "")}
    assert found, f"expected a list of names in the docstring of {documented}, got none"
    return {name: text[:1].upper() + text[1:] for name, text in found.items()}


def _row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return "| " + "".join(f"{cell} | " if cell else "| " for cell in escaped).rstrip()
