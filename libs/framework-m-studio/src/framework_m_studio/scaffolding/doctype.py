"""Generation of a new DocType in an app: its declaration with minimal permissions, and a test of them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.registry.compilation.checks.doctypes import check_name
from framework_m_studio.scaffolding.fields import NewField, format_field, parse_field
from framework_m_studio.scaffolding.local_app import LocalApp
from framework_m_studio.scaffolding.names import format_role_title, to_snake_case
from framework_m_studio.scaffolding.placing import place_files
from framework_m_studio.scaffolding.templates import render
from framework_m_studio.scaffolding.variants import VARIANTS

__all__ = ["NewDocType", "write_doctype"]

_IMPORTED: Final = {"Any", "Decimal", "DocType", "Field", "Literal", "UUID"}
_NOT_LOADED: Final = {"conftest", "tests"}
"""Modules that an app's discovery skips."""

_DEFAULT: Final = ("title: str",)
_SHOWN_IN_LISTS: Final = 4
_STANDARD_LIBRARY: Final = re.compile(r"from (datetime|decimal|typing|uuid) import (\w+)")


@dataclass(frozen=True, slots=True)
class NewDocType:
    """The requested DocType."""

    name: str
    fields: Sequence[str]
    child: bool
    submittable: bool


def write_doctype(app: LocalApp, asked: NewDocType) -> list[Path]:
    """Write the files of a new DocType and return them. On failure, raise ConfigurationError and write nothing."""
    if asked.child and asked.submittable:
        raise ConfigurationError("a child table is submitted with its parent: remove --submittable")
    error = next(_find_errors(app, asked), None)
    if error:
        raise ConfigurationError(f"a DocType cannot be called {asked.name!r}: {error}")
    fields = [parse_field(text, app.documents, app.children, app.types) for text in asked.fields or _DEFAULT]
    _refuse_twice([field.name for field in fields])
    files = list(_files(app, asked, fields if asked.child else _shown_in_lists(fields)))
    place_files(files)
    return [path for path, _ in files]


def _find_errors(app: LocalApp, asked: NewDocType) -> Iterator[str]:
    for error in check_name(asked.name):
        near = re.sub(r"\W", "", asked.name.replace("_", " ").title())
        shown = near[:1].isalpha() and near != asked.name and asked.name.lower() != near.lower()
        yield f"{error}{f': did you mean {near!r}?' if shown or asked.name.islower() else ''}"
    if keyword.iskeyword(asked.name) or asked.name in _IMPORTED or to_snake_case(asked.name) in _NOT_LOADED:
        yield "the name has another meaning in its file: choose another"
    for known, model in {**app.documents, **app.children}.items():
        if known.lower() == asked.name.lower():
            yield f"{model.__module__} declares {known} already: choose another name, or change that one"


def _refuse_twice(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"--field: expected each field once, got {name!r} twice")


def _shown_in_lists(fields: Sequence[NewField]) -> list[NewField]:
    shown = [field for field in fields if not field.rows and not field.annotation.startswith("dict")][:_SHOWN_IN_LISTS]
    return [
        replace(field, arguments=(*field.arguments, "in_list=True")) if field in shown else field for field in fields
    ]


def _files(app: LocalApp, asked: NewDocType, fields: Sequence[NewField]) -> Iterator[tuple[Path, str]]:
    stem, title = to_snake_case(asked.name), format_role_title(app.package)
    words = stem.replace("_", " ")
    values = {
        "doctype": asked,
        "stem": stem,
        "about": f"{'An' if words[0] in 'aeiou' else 'A'} {words}",
        "user": f"{title} User",
        "manager": f"{title} Manager",
    }
    lines = [format_field(field) for field in fields]
    uses_field = any("Field(" in line for line in lines)
    ours = f"from framework_m import DocType{', Field' if uses_field else ''}"
    groups = _imports(app.package, [ours, *(line for field in fields for line in field.imports)])
    declaration = render("doctype/doctype.py", **values, imports=groups, fields=lines)
    yield app.doctypes / f"{stem}.py", declaration
    if not asked.child:
        tests = app.root / "tests"
        if not (tests / "conftest.py").exists():
            yield tests / "conftest.py", render("app/tests/conftest.py", variant=VARIANTS["sql"])
        yield tests / f"test_{stem}.py", render("doctype/test_doctype.py", **values)


def _imports(package: str, needed: Sequence[str]) -> list[list[str]]:
    """Return the imports of the standard library, one line per module, of installed packages, and of the app's own."""
    names: dict[str, set[str]] = {}
    lines = set(needed)
    for line in needed:
        if found := _STANDARD_LIBRARY.fullmatch(line):
            names.setdefault(found[1], set()).add(found[2])
            lines.discard(line)
    standard = [f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names)]
    own = {line for line in lines if re.match(rf"from {package}[. ]", line)}
    return [group for group in (standard, sorted(lines - own), sorted(own)) if group]
