"""Each code of an error occurs in a test: clients tell errors apart by it, so its change is one of the API."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from framework_m_core.domain.messages import MESSAGES
from tests.architecture.source_tree import ROOT, SOURCES, modules

_ERROR = re.compile(r'^class (\w+)\(.*\):\n(?:.*\n){1,12}?    code = "(\w+)"', re.MULTILINE)
_OF_ALL = "test_messages.py"
"""The test that goes through all texts of messages says nothing about where a code comes from."""


def untested(errors: Mapping[str, str], tests: Iterable[Path]) -> list[str]:
    """Return the codes of which no test contains the code or the class."""
    left = dict(errors)
    for test in tests:
        words = {*re.findall(r"\w+", test.read_text(encoding="utf-8"))}
        left = {code: name for code, name in left.items() if not {code, name} & words}
    return sorted(left)


def test_each_code_is_tested() -> None:
    texts = [module.path.read_text(encoding="utf-8") for module in modules(*SOURCES)]
    declared = {code: name for text in texts for name, code in _ERROR.findall(text)}
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in listed.stdout.splitlines() if "tests/" in name and not name.endswith(_OF_ALL)]
    assert len(declared) > 20
    assert untested({code: code for code in MESSAGES} | declared, paths) == []


def test_an_untested_code_fails(tmp_path: Path) -> None:
    test = tmp_path / "test_a.py"
    test.write_text('assert codes == {"known"}\nraise FamousError')
    errors = {"known": "KnownError", "famous": "FamousError", "unknown": "UnknownError"}
    assert untested(errors, [test]) == ["unknown"]
