"""An app folder with any number of DocTypes, like those that people write."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.product import APP

__all__ = ["generate_app"]

_PER_MODULE = 50

_HEAD = '''"""Generated DocTypes."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from framework_m import DocType, Field
'''

_DOCTYPE = '''

class Sample{number}(DocType):
    """Sample number {number}."""

    title: str = Field(in_list=True)
    status: str = "Open"
    quantity: int = Field(default=0, ge=0)
    amount: Decimal = Field(default=Decimal(0), scale=2)
    due: date | None = None
    is_paid: bool = False
    notes: str | None = None
{link}
    class Meta:
        naming = "S{number}-.####"
        permissions = {{
            "read": {{"Sales User": "own", "Sales Manager": "all"}},
            "create": ["Sales User", "Sales Manager"],
            "write": {{"Sales User": "own", "Sales Manager": "all"}},
        }}
'''

_LINK = """    previous: UUID | None = Field(default=None, link="Sample{previous}")
"""


def generate_app(folder: Path, count: int, package: str = "bench_app") -> None:
    """Write an app with `count` DocTypes of seven or eight fields, most of them linked to another."""
    sources = folder / package
    sources.mkdir(parents=True)
    for name in ("pyproject.toml", "framework_config.toml"):
        shutil.copy(APP / name, folder / name)
    modules = []
    for first in range(0, count, _PER_MODULE):
        numbers = range(first, min(first + _PER_MODULE, count))
        text = _HEAD + "".join(_doctype(number) for number in numbers)
        module = f"doctypes_{first // _PER_MODULE}"
        (sources / f"{module}.py").write_text(text)
        modules.append(module)
    names = ", ".join(modules)
    (sources / "__init__.py").write_text(f'"""A generated app."""\n\nfrom {package} import {names}\n')


def _doctype(number: int) -> str:
    link = _LINK.format(previous=number - 1) if number else ""
    return _DOCTYPE.format(number=number, link=link)
