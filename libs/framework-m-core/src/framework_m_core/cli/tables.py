"""Text for a terminal: rows in aligned columns, and nothing that the terminal would obey."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["escape_controls", "print_table"]


def print_table(rows: Iterable[Sequence[str]], *, indent: str = "") -> None:
    """Print rows, every column but the last padded to its widest cell."""
    table = [tuple(map(escape_controls, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in table), strict=True)]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print((indent + "  ".join([*cells, row[-1]])).rstrip())


def escape_controls(text: str) -> str:
    r"""Return a text with control characters escaped, line breaks excepted.

    >>> escape_controls("\x1b[31mNorth")
    '\\x1b[31mNorth'
    """
    return text if text.isprintable() else "".join(char if _is_shown(char) else ascii(char)[1:-1] for char in text)


def _is_shown(char: str) -> bool:
    return char.isprintable() or char == "\n"
