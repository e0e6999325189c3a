"""Every setting has an effect: its name is read somewhere outside the file that declares it."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import SOURCES


def check_settings_used(*packages: Path) -> list[str]:
    """Fields of settings models that no other file, nor a method beside them, reads."""
    files = [path for package in packages for path in package.rglob("*.py")]
    declared = {(path, name) for path in files if path.name == "settings.py" for name in _fields(path)}
    read = {(path, name) for path in files for name in _reads(path)}
    names_read = {name for _, name in read}
    errors = [f"{path.parent.name}/{path.name}: {name}" for path, name in declared if name not in names_read]
    return sorted(errors) if declared else ["there are no settings to look at"]


def _fields(path: Path) -> list[str]:
    models = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
    return [
        item.target.id
        for model in models
        if any(getattr(base, "id", "") == "BaseModel" for base in model.bases)
        for item in model.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    ]


def _reads(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    named = {
        str(node.args[1].value)
        for node in nodes
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr" and len(node.args) > 1
        if isinstance(node.args[1], ast.Constant)
    }
    return attributes | named


def test_every_setting_is_read() -> None:
    assert check_settings_used(*SOURCES) == []


def test_a_setting_without_effect_fails(package: MakePackage) -> None:
    folder = package(
        {
            "mail/settings.py": "class MailSettings(BaseModel):\n    host: str = ''\n    colour: str = ''\n",
            "mail/sender.py": "def send(settings):\n    return settings.host\n",
        }
    )
    assert check_settings_used(folder) == ["mail/settings.py: colour"]
    assert check_settings_used(package({"empty.py": ""})) != []
