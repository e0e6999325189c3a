"""Written revisions pass `m lint` and `m format --check` of a new app."""

from __future__ import annotations

import ast
import datetime
import decimal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from framework_m_core.services.migrations.files.app_files import read_files
from framework_m_core.services.migrations.files.folders import make_folders, write_patch
from framework_m_standard.sql.migrations.autogenerate.scripts import write_revision
from framework_m_standard.sql.migrations.operations import column_types as m
from framework_m_standard.sql.schema import changes as made
from framework_m_standard.sql.schema.changes import Change
from framework_m_standard.sql.schema.field_registry import KindType
from framework_m_standard.sql.schema.keys import build_foreign_key, format_key_name

TEMPLATE = (
    Path(__file__).parents[4] / "libs/framework-m-studio/src/framework_m_studio/templates/app/pyproject.toml.jinja"
)
LONG = "customer" * 6
FILLS: dict[str, tuple[KindType, Any]] = {
    "text": (m.text(), "it's \"quoted\" and it's"),
    "long": (m.text(), "x" * 150),
    "wide": (m.text(), "電" * 45),
    "decimal": (m.decimal(2), decimal.Decimal("1.50")),
    "uuid": (m.uuid(), uuid.UUID(int=7)),
    "moment": (m.datetime(), datetime.datetime(2026, 1, 31, 12, 30, tzinfo=datetime.UTC)),
    "date": (m.date(), datetime.date(2026, 1, 31)),
    "mixed": (m.text(), 'a "quoted" text, isn\'t it\\'),
    "lines": (m.text(), "two\nlines\\"),
    "float": (m.float_(), 1e22),
    "bytes": (m.bytes_(), b"it's"),
    "json": (m.json(), {"a": ["b", 1.5, None, True]}),
}


def app_of(tmp_path: Path) -> Path:
    """A new app's settings of its tools, and the folder of its migrations."""
    settings = TEMPLATE.read_text()
    start, end = settings.index("[tool.ruff]"), settings.index("[tool.mypy]")
    (tmp_path / "pyproject.toml").write_text(
        f'[project]\nname = "x"\nrequires-python = ">=3.12"\n{settings[start:end]}'
    )
    make_folders(tmp_path / "migrations")
    return tmp_path / "migrations"


def check(folder: Path) -> None:
    for command in (["check"], ["format", "--check", "--diff"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
            cwd=folder.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def changes() -> list[Change]:
    """Changes of tables with names up to the longest ones."""
    found: list[Change] = []
    for table in (LONG[:20], LONG[:33], LONG):
        for name in ("city", LONG[:30], LONG[:43]):
            column: sa.Column[Any] = sa.Column(name, m.decimal(2), nullable=False)
            filled: sa.Column[Any] = sa.Column(name, m.text(), nullable=False, info={"default": lambda: "x"})
            found += [
                made.AddColumn(table, column),
                made.AddColumn(table, column, decimal.Decimal("1.50")),
                made.SetNotNullable(table, name, filled),
                made.SetNullable(table, name),
                made.ChangeType(table, name, m.text(), m.integer()),
                made.KeepColumn(table, name, "text"),
                made.AddLink(table, name, LONG, cascade=True),
                made.AddIndex(table, format_key_name("ix", table, [name, "at"]), [name, "at"], False),
                made.AddIndex(table, "by_hand", [name, "at"], True),
                made.DropIndex(table, format_key_name("ix", table, [name]), [name]),
            ]
            links = [build_foreign_key(table, name, target, cascade=True) for target in (table, LONG[:40], LONG)]
            columns: list[sa.Column[Any]] = [sa.Column("id", m.uuid(), nullable=False), sa.Column(name, m.uuid())]
            declared = sa.Table(table, sa.MetaData(), *columns, *links)
            found.append(made.CreateTable(table, declared, links))
    return found


@pytest.mark.parametrize("message", ["first", "a long message " * 9, "電話" * 40, 'the "quoted"'])
def test_a_revision_of_any_names_passes(tmp_path: Path, message: str) -> None:
    folder = app_of(tmp_path)
    write_revision(read_files(folder, "shop"), message, changes())
    write_revision(read_files(folder, "shop"), "empty", ())
    write_patch(folder, message, "0001_first")
    check(folder)


@pytest.mark.parametrize("fill", FILLS)
def test_a_default_of_any_type_passes_and_is_kept(tmp_path: Path, fill: str) -> None:
    folder = app_of(tmp_path)
    kind, value = FILLS[fill]
    written = write_revision(
        read_files(folder, "shop"), "one", [made.AddColumn("plain", sa.Column("note", kind), value)]
    )
    check(folder)
    [given] = [
        one.value
        for one in ast.walk(ast.parse(written.read_text()))
        if isinstance(one, ast.keyword) and one.arg == "fill"
    ]
    assert eval(ast.unparse(given), {"decimal": decimal, "uuid": uuid, "datetime": datetime}) == value
