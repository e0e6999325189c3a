"""The files that `create` writes: they can be read again whatever the message and the defaults are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.services.migrations.files.app_files import read_files
from framework_m_core.services.migrations.files.folders import make_folders, write_patch
from framework_m_core.services.migrations.files.loading import load_file
from framework_m_standard.sql.migrations.autogenerate.scripts import write_revision
from framework_m_standard.sql.migrations.operations import column_types as m
from framework_m_standard.sql.schema.changes import AddColumn
from tests.errors import assert_names


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("add phone to customer", "0001_add_phone_to_customer"),
        ('call it "phone"', "0001_call_it_phone"),
        ('"phone" comes', "0001_phone_comes"),
        ("numéro de téléphone", "0001_numero_de_telephone"),
        ("добавить телефон", "0001_change"),
        ("電話", "0001_change"),
    ],
)
def test_a_message_in_any_language_is_kept(tmp_path: Path, message: str, name: str) -> None:
    make_folders(tmp_path)
    written = write_revision(read_files(tmp_path, "shop"), message, ())
    assert written.stem == write_patch(tmp_path, message, name).stem == name
    files = read_files(tmp_path, "shop")
    assert [files.revisions[0].message, files.patches[0].message] == [message, message]
    assert load_file(written).__doc__ == message + (" " if message.endswith('"') else "")
    compile(files.patches[0].path.read_text(), "patch", "exec")


@pytest.mark.parametrize("message", ["", " - ", "two\nlines", 'three """ quotes', "back\\slash"])
def test_a_message_that_says_nothing_or_breaks_the_file_is_refused(tmp_path: Path, message: str) -> None:
    make_folders(tmp_path)
    with pytest.raises(ConfigurationError) as refused:
        write_revision(read_files(tmp_path, "shop"), message, ())
    assert_names(refused.value, "short message", repr(message))


@pytest.mark.parametrize("text", ["# ### end", "sqlite_with_rowid", "it's", 'a "b"', "#", "sa.x", "two\nlines"])
def test_a_default_is_written_as_it_is(tmp_path: Path, text: str) -> None:
    make_folders(tmp_path)
    column: sa.Column[Any] = sa.Column("note", m.text(), nullable=False)
    written = write_revision(read_files(tmp_path, "shop"), "note", [AddColumn("plain", column, text)]).read_text()
    [line] = [line for line in written.splitlines() if "m.add_column" in line]
    assert eval(line.partition("fill=")[2].removesuffix(")")) == text
