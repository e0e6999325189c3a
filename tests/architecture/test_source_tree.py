"""The reader of sources itself: what it sees, and that it never looks at nothing."""

from __future__ import annotations

import pytest

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import imports, modules


def test_a_folder_without_modules_fails(package: MakePackage) -> None:
    with pytest.raises(AssertionError, match="nothing to look"):
        modules(package({"notes.txt": "no code here"}))


def test_imports_are_absolute_and_know_where_they_stand(package: MakePackage) -> None:
    folder = package(
        {
            "rooms/kitchen.py": "from . import hall\nfrom ..doors import front\n\ndef f():\n    import a.b\n",
            "rooms/__init__.py": "from .kitchen import f\n",
        }
    )
    found = {(item.target, item.nested) for module in modules(folder) for item in imports(module)}
    assert found == {
        ("sample.rooms.hall", False),
        ("sample.doors.front", False),
        ("a.b", True),
        ("sample.rooms.kitchen.f", False),
    }
