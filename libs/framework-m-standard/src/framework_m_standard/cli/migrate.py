"""`m migrate`: schema revisions and data patches of the apps."""

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

__all__ = ["Revision", "app", "create", "history", "init", "rollback", "run", "status", "verify"]

app = App(name="migrate", help="Change the schema by revisions, and stored documents by patches.")

_NOT_CURRENT = 1
"""The exit code of `status` and `verify` if anything is pending or differs."""

type Revision = Annotated[
    str | None, Parameter(help="A revision, or the beginning of its name; of another app after its name and a colon.")
]


@app.command
def init() -> None:
    """Start using migrations: create the folder migrations/, and adopt the tables that development created.

    From then on, starting the app no longer changes the tables of this database; only `m migrate run` does. If the
    app's revisions have created tables of another app that now has revisions of its own, a revision adopts them.

    For example:
      m migrate init
    """
    done = _with_migrations(lambda migrations: migrations.init(), changing=True)
    for line in done or ["nothing to do: the folder exists, and the database is under its revisions"]:
        print(line)


@app.command
def create(
    message: Annotated[str, Parameter(help="A short description of the change.")],
    /,
    *,
    empty: Annotated[bool, Parameter(negative="", help="Write an empty revision, to be filled in by hand.")] = False,
    patch: Annotated[
        bool, Parameter(negative="", help="Write a patch, which changes documents instead of tables.")
    ] = False,
    drop: Annotated[
        bool, Parameter(negative="", help="Drop the columns and tables that no DocType declares anymore.")
    ] = False,
    app: Annotated[str | None, Parameter(name="--app", help="The app, if the folder has several.")] = None,
) -> None:
    """Write a revision with the differences between the database and the app's DocTypes. Review it before you run it.

    Differences of other apps are listed: their own revisions must contain them, written in their folders. The data of
    removed fields and DocTypes stays in the database unless --drop is given.

    For example:
      m migrate create "add phone to customer"
      m migrate create "drop fax" --drop
      m migrate create "fill phones" --patch
    """
    if patch and (empty or drop):
        raise ConfigurationError("--patch writes a patch, not a revision: remove --empty and --drop")
    if patch:
        path = _with_migrations(lambda migrations: migrations.create_patch(message, app=app))
        print(f"wrote {_relative_path(path)}")
        return

    async def work(migrations: MigrationProtocol) -> None:
        written = await migrations.create(message, empty=empty, drop=drop, app=app)
        elsewhere = await migrations.diff_elsewhere()
        if written is not None:
            _print_written(written)
        elif not elsewhere:
            print("nothing to do: the database matches the DocTypes")
        _print_elsewhere(elsewhere)

    _with_migrations(work)


@app.command
def run(
    *,
    to: Revision = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Print the statements and change nothing.")] = False,
) -> None:
    """Run the pending revisions and patches of all apps in order, each in a transaction of its own.

    If two runs start at the same time, the second waits for the first and then finds nothing to do.

    For example:
      m migrate run
      m migrate run --dry-run
      m migrate run --to 0003
      m migrate run --to crm:0003
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
            print('the DocTypes have changes without a revision: m migrate create "what has changed"')
        if to is None:
            _print_elsewhere(await migrations.diff_elsewhere())

    _with_migrations(work, changing=True)


@app.command
def rollback(
    *,
    steps: Annotated[int, Parameter(help="The number of revisions to undo.")] = 1,
    to: Annotated[str | None, Parameter(help='The revision to return to; "base" undoes all of the app.')] = None,
) -> None:
    """Undo the newest revision of the app, or several. The data of dropped columns is lost; patches are not undone.

    For example:
      m migrate rollback
      m migrate rollback --steps 2
      m migrate rollback --to 0003
      m migrate rollback --to crm:0003
    """
    if steps < 1:
        raise ConfigurationError(f"--steps: expected at least 1, got {steps}")

    async def work(migrations: MigrationProtocol) -> None:
        undone = [print(f"undid {step.name}") async for step in migrations.rollback(steps=steps, to=to)]
        if not undone:
            print("nothing to undo")

    _with_migrations(work, changing=True)


@app.command
def status() -> int:
    """Show the revisions of the database and the pending steps. The exit code is 1 if there is anything to do.

    For example:
      m migrate status
    """
    found = _with_migrations(lambda migrations: migrations.status())
    print(f"at {', '.join(found.revisions) or 'no revision'}")
    _print_steps(found.pending)
    for line in found.drift:
        print(f"drift    {line}")
    _print_elsewhere(found.elsewhere)
    for line in found.unfit:
        print(f"old      {line}")
    print("nothing to do" if found.is_current else f"next: {_next(found)}")
    return 0 if found.is_current else _NOT_CURRENT


@app.command
def history() -> None:
    """List all revisions and patches of all apps in order, and whether each was run on this database.

    For example:
      m migrate history
    """
    steps = _with_migrations(lambda migrations: migrations.history())
    if not steps:
        print('there is no revision yet: m migrate init, then m migrate create "initial"')
    _print_steps(steps)


@app.command
def verify() -> int:
    """Compare the database with the DocTypes, and the files with what was run. The exit code is 1 if they differ.

    For example:
      m migrate verify
    """
    errors = _with_migrations(lambda migrations: migrations.verify())
    for line in errors:
        print(line)
    if not errors:
        print("the database matches the DocTypes, and the files match what was run on it")
    return _NOT_CURRENT if errors else 0


def _with_migrations[R](work: Callable[[MigrationProtocol], Awaitable[R]], *, changing: bool = False) -> R:
    """Call `work` with the migrations of the app in this folder; `changing` if it may change the database."""

    async def opened() -> R:
        async with open_migrations(changing=changing) as migrations:
            return await work(migrations)

    return asyncio.run(opened())


def _print_written(written: WrittenRevision) -> None:
    print(f"wrote {_relative_path(written.path)}")
    for line in written.changes:
        print(f"  {line}")
    for line in written.advice:
        print(f"check: {line}")


def _print_elsewhere(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"elsewhere {line}")


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
    if found.pending:
        return "m migrate run"
    return 'm migrate create "what has changed"' if found.drift else "m migrate create in the folders of these apps"


def _relative_path(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
