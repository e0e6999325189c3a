"""What type checkers say of an app: nothing of what is right, and something of every line that is marked wrong."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
APP = """
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from framework_m import Controller, CurrentUser, DocType, Field, Now, Today, computed


class Row(DocType):
    what: str
    qty: Decimal = Field(default=Decimal(1), scale=2)

    @computed(scale=2, label="Double")
    def double(self) -> Decimal:
        return self.qty * 2

    class Meta:
        is_child_table = True


class Order(DocType):
    title: str = Field(min_length=1, in_list=True)
    customer: UUID | None = Field(default=None, link="Customer")
    tags: list[str] = Field(default_factory=list)
    due: date = Field(default=Today(months=3))
    made: datetime | None = Field(default=Now())
    seller: UUID | None = Field(default=CurrentUser(), link="User")
    rows: list[Row] = []

    @computed
    def length(self) -> int:
        return len(self.rows)


class OrderController(Controller[Order]):
    async def validate(self) -> None:
        self.doc.title = self.doc.title.strip()
        self.doc.title = sum(row.qty for row in self.doc.rows)  # wrong: a number
        self.doc.title = self.doc.length  # wrong: a number
        self.doc.length = 5  # wrong: it is computed
        self.doc.title = str(sum(row.double for row in self.doc.rows) + self.doc.length)
        self.doc.titel = "a"  # wrong: no such field


Order(title="a", rows=[Row(what="b")])
Order(customer=None)  # wrong: no title
Order(title=5)  # wrong: a number
Order(title="a", titel="b")  # wrong: no such field


class Misspelt(DocType):
    title: str = Field(uniqe=True)  # wrong: no such keyword
    code: int = Field(default="x")  # wrong: a text
    day: int = Field(default=Today())  # wrong: a day
    @computed(lable="a")  # wrong: no such keyword
    def shown(self) -> int:
        return 1

    name_of: str = Field(link=5)  # wrong: no name of a DocType
"""


def _mypy(file: Path) -> set[int]:
    command = [str(BIN / "mypy"), "--strict", "--cache-dir", str(file.parent / "cache"), str(file)]
    shown = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False)
    assert not shown.stderr, shown.stderr
    return {int(line) for line in re.findall(r"^app\.py:(\d+): error", shown.stdout, flags=re.MULTILINE)}


def _pyright(file: Path) -> set[int]:
    command = [str(BIN / "basedpyright"), "--outputjson", "--pythonpath", sys.executable, str(file)]
    shown = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=False)
    found = json.loads(shown.stdout)["generalDiagnostics"]
    return {one["range"]["start"]["line"] + 1 for one in found if one["severity"] == "error"}


@pytest.mark.parametrize("check", [_mypy, _pyright])
def test_every_wrong_line_and_no_other_is_an_error(tmp_path: Path, check: Callable[[Path], set[int]]) -> None:
    file = tmp_path / "app.py"
    file.write_text(APP)
    wrong = {number for number, line in enumerate(APP.splitlines(), start=1) if "# wrong" in line}
    assert len(wrong) == 12
    assert check(file) == wrong
