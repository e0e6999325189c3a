"""Revision and patch files as they are read without Alembic, which no process that serves imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.services.migrations.files.app_files import MigrationFiles, read_files
from framework_m_core.services.migrations.files.record import MigrationRecord, StepId
from framework_m_core.services.migrations.graph import MigrationGraph
from framework_m_core.services.migrations.verification import list_pending
from tests.errors import assert_names

_SERVING = """
import asyncio, sys
from framework_m_core.bootstrap.application import open_application

async def main():
    async with open_application(roles=("web", "worker", "relay")):
        print(sorted(name for name in sys.modules if name.partition(".")[0] in {"alembic", "mako"}))

asyncio.run(main())
"""


def revision(folder: Path, id: str, down: str, message: str = "says") -> None:
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    text = f'"""{message}"""\n\nrevision: str = "{id}"\ndown_revision: str | None = {down}\n'
    (folder / "versions" / f"{id}.py").write_text(text)


def patch(folder: Path, name: str, after: str, takes: str = "documents: Documents") -> None:
    (folder / "patches").mkdir(parents=True, exist_ok=True)
    text = f'"""Fills it."""\n\nafter = "{after}"\n\n\nasync def run({takes}) -> None:\n    pass\n'
    (folder / "patches" / f"{name}.py").write_text(text)


@pytest.fixture
def files(tmp_path: Path) -> MigrationFiles:
    revision(tmp_path, "0001_a", "None")
    revision(tmp_path, "0003_c", '"0002_b"')
    revision(tmp_path, "0002_b", "'0001_a'", "adds b")
    patch(tmp_path, "0001_p", "0001_a")
    patch(tmp_path, "0002_q", "0001_a")
    patch(tmp_path, "0003_r", "0003_c")
    return read_files(tmp_path, "shop")


def graph(files: MigrationFiles) -> MigrationGraph:
    """The migrations of one app."""
    return MigrationGraph({"shop": files}, {}, ("shop",), "shop")


def record(*revisions: str, patches: tuple[str, ...] = ()) -> MigrationRecord:
    """A database where these were applied."""
    known = {StepId("shop", name): None for name in revisions}
    return MigrationRecord(True, frozenset({"shop"}), known, {StepId("shop", name): "" for name in patches})


def names(files: MigrationFiles, record: MigrationRecord, **options: object) -> list[str]:
    return [file.step.name for file in graph(files).list_pending(record, **options)]  # type: ignore[arg-type]


def test_a_patch_follows_its_revision(files: MigrationFiles) -> None:
    whole = ["0001_a", "0001_p", "0002_q", "0002_b", "0003_c", "0003_r"]
    history = graph(files).history(MigrationRecord(False))
    assert names(files, MigrationRecord(False)) == [step.name for step in history] == whole
    at_second = record("0001_a", "0002_b", patches=("0001_p",))
    assert names(files, at_second) == ["0002_q", "0003_c", "0003_r"]
    assert names(files, MigrationRecord(False), to="0002") == ["0001_a", "0001_p", "0002_q", "0002_b"]
    last = ["0001_a", "0002_b", "0003_c", "0001_p", "0002_q", "0003_r"]
    assert names(files, MigrationRecord(False), empty={"shop"}) == last
    assert history[3].message == "adds b"
    done = record("0001_a", "0002_b", "0003_c", patches=("0001_p", "0002_q"))
    assert list_pending(graph(files), done) == ["patch 0003_r was not run"]


def test_a_patch_by_sql_alone_stays_in_its_place_also_where_all_is_empty(tmp_path: Path) -> None:
    revision(tmp_path, "0001_a", "None")
    revision(tmp_path, "0002_b", "'0001_a'")
    patch(tmp_path, "0001_p", "0001_a")
    patch(tmp_path, "0002_q", "0001_a", "sql: PatchSql")
    patch(tmp_path, "0003_r", "0001_a", "\n    sql: PatchSql,\n    documents: Documents,\n")
    assert names(read_files(tmp_path, "shop"), MigrationRecord(False), empty={"shop"}) == [
        *("0001_a", "0002_q", "0002_b"),
        *("0001_p", "0003_r"),
    ]


def test_a_revision_is_named_by_how_it_begins(files: MigrationFiles) -> None:
    assert files.resolve("0002") == files.resolve("0002_b") == "0002_b"
    assert files.resolve("head") == "0003_c"


@pytest.mark.parametrize(("name", "wanted"), [("000", "one revision"), ("0009", "existing revision")])
def test_a_revision_that_is_not_one_is_refused(files: MigrationFiles, name: str, wanted: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        files.resolve(name)
    assert_names(refused.value, wanted, f"'{name}'")


def test_a_database_at_an_unknown_revision_is_refused(files: MigrationFiles) -> None:
    with pytest.raises(ConfigurationError) as refused:
        graph(files).list_pending(record("0004_d"))
    assert_names(refused.value, "0004_d", "no file")


def test_a_merge_follows_both(tmp_path: Path) -> None:
    for id, down in (("0001_a", "None"), ("0002_b", '"0001_a"'), ("0002_c", '"0001_a"')):
        revision(tmp_path, id, down)
    with pytest.raises(ConfigurationError, match="0002_b and 0002_c"):
        read_files(tmp_path, "shop").check_heads()
    revision(tmp_path, "0003_d", '("0002_b", "0002_c")')
    assert read_files(tmp_path, "shop").heads == ("0003_d",)


@pytest.mark.parametrize(
    ("revisions", "said"),
    [
        ({"0001_a": '"0000_x"'}, "0001_a.py follows 0000_x, which has no file"),
        ({"0001_a": '"0002_b"', "0002_b": '"0001_a"'}, "follows one that follows it"),
    ],
)
def test_revisions_in_no_order_are_told(tmp_path: Path, revisions: dict[str, str], said: str) -> None:
    for id, down in revisions.items():
        revision(tmp_path, id, down)
    with pytest.raises(ConfigurationError) as raised:
        read_files(tmp_path, "shop")
    assert said in str(raised.value)


def test_files_that_are_none_are_told(tmp_path: Path) -> None:
    revision(tmp_path, "0001_a", "None")
    (tmp_path / "versions" / "copy.py").write_text('revision = "0001_a"\ndown_revision = None\n')
    with pytest.raises(ConfigurationError) as refused:
        read_files(tmp_path, "shop")
    assert_names(refused.value, "0001_a.py", "copy.py", "revision '0001_a'")
    (tmp_path / "versions" / "copy.py").write_text("x = 1\n")
    with pytest.raises(ConfigurationError) as refused:
        read_files(tmp_path, "shop")
    assert_names(refused.value, "copy.py", "`revision`", "`down_revision`")


def test_a_process_that_serves_imports_no_alembic(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SERVING], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
