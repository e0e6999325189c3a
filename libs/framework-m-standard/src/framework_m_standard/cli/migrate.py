"""`m migrate`: the schema of the store, by revisions and patches that are kept with the app."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from framework_m_core.bootstrap.migrations import open_migrations
from framework_m_core.cli.tables import print_table
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.migration import (
    MigrationKind,
    MigrationProtocol,
    MigrationStatus,
    MigrationStep,
    WrittenRevision,
)

__all__ = ["app", "create", "history", "init", "rollback", "run", "status", "verify"]

app = App(name="migrate", help="The schema of the store, by revisions and patches that are kept with the app.")

_SOMETHING = 1
"""The exit code of `status` and `verify` where there is something to do."""

type Revision = Annotated[str | None, Parameter(help="A revision, or how its name begins.")]


@app.command
def init() -> None:
    """Begin with migrations: make the folder migrations/, and take over the tables that development made.

    From then on no start changes the tables of this database; `m migrate run` does.

    For example:
      m migrate init
    """
    done = _with_migrations(lambda migrations: migrations.init(), changing=True)
    for line in done or ["nothing to do: the app has its folder, and the database is known to it"]:
        print(line)


@app.command
def create(
    message: Annotated[str, Parameter(help="What changes, in a few words.")],
    /,
    *,
    empty: Annotated[bool, Parameter(negative="", help="A revision that does nothing yet.")] = False,
    patch: Annotated[bool, Parameter(negative="", help="A patch: a change of documents, not of tables.")] = False,
    drop: Annotated[bool, Parameter(negative="", help="Drop what no DocType declares any longer.")] = False,
) -> None:
    """Write a revision: the difference between the database and the DocTypes. Read it before you run it.

    A field or DocType that is gone stays in the database unless --drop is given.

    For example:
      m migrate create "add phone to customer"
      m migrate create "drop fax" --drop
      m migrate create "fill phones" --patch
    """
    if patch and (empty or drop):
        raise ConfigurationError("--patch writes no revision: leave --empty and --drop out")
    if patch:
        print(f"wrote {_shown(_with_migrations(lambda migrations: migrations.create_patch(message)))}")
        return
    _print_written(_with_migrations(lambda migrations: migrations.create(message, empty=empty, drop=drop)))


@app.command
def run(
    *,
    to: Revision = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Print the statements and change nothing.")] = False,
) -> None:
    """Do what is pending: revisions and patches in their order, each whole or not at all.

    Of two runs at the same time the second waits for the first, and finds nothing to do.

    For example:
      m migrate run
      m migrate run --dry-run
      m migrate run --to 0003
    """
    if dry_run:
        lines = _with_migrations(lambda migrations: migrations.preview(to))
        print("\n".join(lines) or "nothing to do")
        return

    async def work(migrations: MigrationProtocol) -> None:
        done = [_print_done(step) async for step in migrations.apply(to)]
        if not done:
            print("nothing to do")
        if to is None and await migrations.diff():
            print('the DocTypes hold changes that no revision does yet: m migrate create "what has changed"')

    _with_migrations(work, changing=True)


@app.command
def rollback(
    *,
    steps: Annotated[int, Parameter(help="How many revisions to undo.")] = 1,
    to: Annotated[str | None, Parameter(help='The revision to go back to; "base" undoes all.')] = None,
) -> None:
    """Undo the newest revision, or several. What a column held that goes is lost; patches stay done.

    For example:
      m migrate rollback
      m migrate rollback --steps 2
      m migrate rollback --to 0003
    """
    if steps < 1:
        raise ConfigurationError("--steps: at least 1 is expected")

    async def work(migrations: MigrationProtocol) -> None:
        undone = [print(f"undid {step.name}") async for step in migrations.rollback(steps=steps, to=to)]
        if not undone:
            print("nothing to undo")

    _with_migrations(work, changing=True)


@app.command
def status() -> int:
    """Show where the database stands and what is pending. The exit code is 1 when anything is to do.

    For example:
      m migrate status
    """
    found = _with_migrations(lambda migrations: migrations.status())
    print(f"at {', '.join(found.revisions) or 'no revision'}")
    _print_steps(found.pending)
    for line in found.drift:
        print(f"drift    {line}")
    print("nothing to do" if found.is_current else f"next: {_next(found)}")
    return 0 if found.is_current else _SOMETHING


@app.command
def history() -> None:
    """List every revision and patch, the oldest first, and whether it was done here.

    For example:
      m migrate history
    """
    steps = _with_migrations(lambda migrations: migrations.history())
    if not steps:
        print('there is no revision yet: m migrate init, then m migrate create "initial"')
    _print_steps(steps)


@app.command
def verify() -> int:
    """Compare the database with the DocTypes, and the files with what was done. The exit code is 1 when they differ.

    For example:
      m migrate verify
    """
    problems = _with_migrations(lambda migrations: migrations.verify())
    for line in problems:
        print(line)
    if not problems:
        print("the database is what the DocTypes say, and the files are those that made it so")
    return _SOMETHING if problems else 0


def _with_migrations[R](work: Callable[[MigrationProtocol], Awaitable[R]], *, changing: bool = False) -> R:
    """Does work with the migrations of the app in this folder, and says so where it runs them."""

    async def opened() -> R:
        async with open_migrations(changing=changing) as migrations:
            return await work(migrations)

    return asyncio.run(opened())


def _print_written(written: WrittenRevision | None) -> None:
    if written is None:
        print("nothing to do: the database is what the DocTypes say")
        return
    print(f"wrote {_shown(written.path)}")
    for line in written.changes:
        print(f"  {line}")
    for line in written.advice:
        print(f"look at: {line}")


def _print_done(step: MigrationStep) -> MigrationStep:
    print(f"{'ran' if step.kind is MigrationKind.PATCH else 'did'} {step.name}", flush=True)
    return step


def _print_steps(steps: Iterable[MigrationStep]) -> None:
    rows = [(str(step.kind), "done" if step.applied else "pending", step.name, step.message) for step in steps]
    if rows:
        print_table(rows)


def _next(found: MigrationStatus) -> str:
    if not found.has_begun:
        return "m migrate init"
    return "m migrate run" if found.pending else 'm migrate create "what has changed"'


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
