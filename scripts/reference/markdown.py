"""Tables, and texts of docstrings, as Markdown."""

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["bullets", "one_line", "table"]

_BULLET = re.compile(r"^- `(\w+)`: (.*?)(?=^- |\n\n|\Z)", re.MULTILINE | re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table."""
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from map(_row, rows)


def one_line(text: str) -> str:
    """A text without its line breaks."""
    return " ".join(text.split())


def bullets(documented: object) -> dict[str, str]:
    """What the docstring of a class or function says of each name that it lists."""
    found = {name: one_line(text) for name, text in _BULLET.findall(inspect.getdoc(documented) or "")}
    assert found, f"{documented} lists nothing"
    return {name: text[:1].upper() + text[1:] for name, text in found.items()}


def _row(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return "| " + "".join(f"{cell} | " if cell else "| " for cell in escaped).rstrip()
