"""What was measured, as rows of text; the terminal and the reference page lay them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.goals import GOALS
from benchmarks.measure import Cell, StoreResult
from benchmarks.micro.run import MicroResult
from benchmarks.process_figures import ProcessResult
from benchmarks.works import POSTGRES_WORKS, SQLITE_WORKS

__all__ = ["Table", "as_markdown", "as_text", "goal_table", "micro_table", "process_table", "store_table"]

_ABSENT = {
    "drf": ("Django REST framework", "not part of this run"),
    "published": ("published framework", "not part of this run"),
}
_SEEN_BY = {"floor": "floor", "ours": "Framework M", "fastapi": "FastAPI + ORM"}


@dataclass(frozen=True, slots=True)
class Table:
    """A title, a head, rows, and remarks below."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    remarks: tuple[str, ...] = ()


def store_table(result: StoreResult) -> Table:
    """All cells of one store."""
    works = POSTGRES_WORKS if result.store == "postgres" else SQLITE_WORKS
    rows = []
    for work in works:
        for key, title in _SEEN_BY.items():
            cell = result.cells.get((key, work))
            if cell is not None:
                rows.append((work.caption, title, *_figures(cell)))
            elif key in result.not_run:
                rows.append((work.caption, title, *["not run"] * 6, ""))
    absent = [f"not run: {title}: {reason}" for title, reason in _ABSENT.values()]
    absent += [f"not run: {_SEEN_BY[key]}: {reason}" for key, reason in result.not_run.items()]
    memory = [f"memory before load: {result.titles[key]} {size / 1e6:.0f} MB" for key, size in result.boot_rss.items()]
    return Table(
        f"{result.store} {result.version}",
        ("work", "contender", "CPU µs", "least–most", "req/s", "p50 ms", "p99 ms", "RSS MB", "failures"),
        rows,
        (*memory, *absent, *result.remarks),
    )


def process_table(result: ProcessResult) -> Table:
    """Boot, memory and the start of the tools."""
    rows = [
        (
            key.removeprefix("process.").rpartition("_")[0],
            f"{value:.3f}" if key.endswith("_s") else f"{value:.0f}",
            "s" if key.endswith("_s") else "MB",
        )
        for key, value in result.figures.items()
    ]
    absent = tuple(f"not run: {name}: {reason}" for name, reason in result.not_run.items())
    return Table("process", ("figure", "median", "unit"), rows, absent)


def micro_table(result: MicroResult) -> Table:
    """Single steps, beside what they are compared with."""
    rows = [(one.text, f"{one.ours:.1f}", f"{one.reference:.1f}", f"{one.ratio:.2f}") for one in result.compared]
    return Table("steps", ("ours / reference", "ours µs", "reference µs", "ratio"), rows)


def goal_table(figures: Mapping[str, float]) -> Table:
    """Every target beside what was measured."""
    rows = []
    for goal in GOALS:
        value = figures.get(goal.key)
        measured = "–" if value is None else f"{value:.2f} {goal.unit}"
        kind = "gate" if goal.gate else "goal"
        rows.append((goal.text, measured, goal.wanted, kind, goal.verdict(figures)))
    return Table("targets", ("what", "measured", "target", "kind", "verdict"), rows)


def as_text(table: Table) -> str:
    """Columns aligned for a terminal."""
    lines = [table.head, *table.rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(table.head))]
    shown = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([f"== {table.title}", shown[0], rule, *shown[1:], *table.remarks, ""])


def as_markdown(table: Table) -> str:
    """A section of the reference page."""
    lines = [f"## {table.title[0].upper()}{table.title[1:]}", ""]
    lines += [_markdown_row(table.head), _markdown_row(("---",) * len(table.head))]
    lines += [_markdown_row(row) for row in table.rows]
    if table.remarks:
        lines += ["", *[f"- {remark}" for remark in table.remarks]]
    return "\n".join([*lines, ""])


def _markdown_row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def _figures(cell: Cell) -> tuple[str, ...]:
    minimum, maximum = cell.spread
    failures = sum(window.load.bad_status + window.load.broken for window in cell.windows)
    return (
        f"{cell.cpu_us:.0f}",
        f"{minimum:.0f}–{maximum:.0f}",
        f"{cell.middle(lambda window: window.load.requests / window.load.seconds):.0f}",
        f"{cell.middle(lambda window: window.load.p50_ms):.1f}",
        f"{cell.middle(lambda window: window.load.p99_ms):.1f}",
        f"{cell.middle(lambda window: window.rss) / 1e6:.0f}",
        str(failures),
    )
