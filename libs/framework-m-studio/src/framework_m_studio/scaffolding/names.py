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

__all__ = ["AppName", "format_role_title", "parse_app_name", "to_snake_case"]

_APP: Final = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_MAX_LENGTH: Final = 30
_OURS: Final = re.compile(r"framework[-_]m.*")
_TAKEN: Final = frozenset({"app", "conftest", "doctypes", "site", "src", "test", "tests"})
_WORD_STARTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class AppName:
    """A package's name: `blue-shop` as a distribution, `blue_shop` as a package, `Blue Shop` for people."""

    distribution: str
    package: str
    title: str


def parse_app_name(given: str, kind: str = "an app") -> AppName:
    """Return the spellings of a valid name of a package. Raises ConfigurationError with a suggestion."""
    error = next(_find_errors(given), None)
    if error:
        raise ConfigurationError(f"{kind} cannot be called {given!r}: {error}")
    package = given.replace("-", "_")
    return AppName(package.replace("_", "-"), package, format_role_title(package))


def format_role_title(package: str) -> str:
    """Return a package's name as used in its roles: `Blue Shop` for `blue_shop`."""
    return package.replace("_", " ").title()


def to_snake_case(name: str) -> str:
    """Return the stem of a DocType's file: `invoice_item` for `InvoiceItem`."""
    return _WORD_STARTS.sub("_", name).lower()


def _find_errors(given: str) -> Iterator[str]:
    if not _APP.fullmatch(given) or len(given) > _MAX_LENGTH:
        expected = (
            f"expected at most {_MAX_LENGTH} lower-case letters, digits and single dashes, beginning with a letter"
        )
        near = re.sub(r"[^a-z0-9]+", "-", given.lower()).strip("-0123456789")[:_MAX_LENGTH]
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
