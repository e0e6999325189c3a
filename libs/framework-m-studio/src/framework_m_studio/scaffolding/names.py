"""Validation and spellings of app names."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.domain.errors import ConfigurationError

__all__ = ["AppName", "app_name", "role_title", "snake_case"]

_APP: Final = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_LONGEST: Final = 30
_OURS: Final = re.compile(r"framework[-_]m.*")
_TAKEN: Final = frozenset({"app", "conftest", "doctypes", "site", "src", "test", "tests"})
_WORD_STARTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class AppName:
    """An app's name: `blue-shop` as a distribution, `blue_shop` as a package, `Blue Shop` for people."""

    distribution: str
    package: str
    title: str


def app_name(given: str) -> AppName:
    """Return the spellings of a valid app name. Raises ConfigurationError with a suggestion."""
    problem = next(_problems(given), None)
    if problem:
        raise ConfigurationError(f"an app cannot be called {given!r}: {problem}")
    package = given.replace("-", "_")
    return AppName(package.replace("_", "-"), package, role_title(package))


def role_title(package: str) -> str:
    """Return a package's name as used in its roles: `Blue Shop` for `blue_shop`."""
    return package.replace("_", " ").title()


def snake_case(name: str) -> str:
    """Return the stem of a DocType's file: `invoice_item` for `InvoiceItem`."""
    return _WORD_STARTS.sub("_", name).lower()


def _problems(given: str) -> Iterator[str]:
    if not _APP.fullmatch(given) or len(given) > _LONGEST:
        expected = f"expected at most {_LONGEST} lower-case letters, digits and single dashes, beginning with a letter"
        near = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-0123456789")[:_LONGEST]
        yield f"{expected}{f': did you mean {near!r}?' if near else ''}"
    package = given.replace("-", "_")
    if keyword.iskeyword(package) or keyword.issoftkeyword(package):
        yield "it is a Python keyword: choose another"
    if package in sys.stdlib_module_names:
        yield "Python's standard library has a module of this name: choose another"
    if _OURS.fullmatch(given) or package in _TAKEN:
        yield "the name has another meaning here: choose another"
    here = discovery.discover(Path.cwd())
    if any(re.split(r"[.:]", choice.value)[0] == package for choice in here.apps):
        yield f"you are in that app, in {here.folder}: change to another folder, or choose another name"
    elif place := discovery.folder_of(package):
        yield f"a package of this name is installed in {place}: choose another, or uninstall that one"
