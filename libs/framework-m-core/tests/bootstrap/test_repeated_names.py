"""Names that a class declares twice are told; parts of properties and overloads share theirs."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from framework_m_core.bootstrap.plugins.repeated_names import find_repeated_names

_HEAD = """from __future__ import annotations
import typing
from typing import overload


def mark():
    return lambda one: one
"""


@pytest.mark.parametrize(
    ("body", "repeated"),
    [
        ("x: int = 1\n    x: int = 2", ["x"]),
        ("async def validate(self): ...\n    async def validate(self): ...", ["validate"]),
        ("def total(self): ...\n    def total(self): ...", ["total"]),
        ("@mark()\n    async def total(self): ...\n    @mark()\n    async def total(self): ...", ["total"]),
        ("@property\n    def x(self): ...\n    @x.setter\n    def x(self, value): ...", []),
        ("@overload\n    async def x(self, a: int): ...\n    @typing.overload\n    async def x(self, a: str): ...\n"
         "    async def x(self, a): ...", []),
        ("x = 1\n    x = 2", []),
    ],
)  # fmt: skip
def test_members_of_a_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, repeated: list[str]) -> None:
    name = f"declares_{abs(hash(body))}"
    (tmp_path / f"{name}.py").write_text(f"{_HEAD}\n\nclass Thing:\n    {body}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = [*find_repeated_names(importlib.import_module(name), {"Thing"})]
    assert [one.split("'")[1] for one in found] == repeated
