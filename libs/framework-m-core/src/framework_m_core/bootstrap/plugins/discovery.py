"""Discovery of entry points: of installed packages, and of the app in the working directory.

This is the only module that imports by name. It imports little itself, so that `m --help` is fast.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import re
import sys
import tomllib
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, entry_points, metadata, version
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.suggestions import find_similar

__all__ = [
    "APPS",
    "Choice",
    "Discovered",
    "describe",
    "discover",
    "discover_installed",
    "find_source",
    "folder_of",
    "load",
    "modules_of",
    "normalize",
    "version_of",
]

APPS = "framework_m.apps"
_FRAMEWORK_PREFIX = "framework_m."
_GROUPS = (
    APPS,
    *(
        f"{_FRAMEWORK_PREFIX}{name}"
        for name in ("bootstrap", "cli_commands", "middleware", "overrides", "ports", "routes")
    ),
    *(
        f"{_FRAMEWORK_PREFIX}{name}"
        for name in ("settings", "variants", "write_stages", "actions", "ext", "field_types")
    ),
)
_EXCLUDED_MODULES = {"__main__", "conftest", "tests"}
"""Modules and packages of an app that do not run in production."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry point: its name, the object that it points to, and the distribution that provides it."""

    name: str
    value: str
    distribution: str


@dataclass(frozen=True, slots=True)
class Discovered:
    """The available entry points: of installed packages, and of the app in the working directory.

    `folder` and `version` are those of that app; `own` are its entry points, `apps` those under `framework_m.apps`.
    """

    entries: Mapping[str, tuple[Choice, ...]]
    folder: Path | None = None
    apps: tuple[Choice, ...] = ()
    version: str = "0"
    own: tuple[Choice, ...] = ()

    @property
    def sources(self) -> tuple[Path, ...]:
        """The folders from which the app in the working directory is imported, in the order of a search."""
        places = (self.folder / "src", self.folder) if self.folder else ()
        return tuple(place for place in places if place.is_dir())

    def find_choices(self, group: str) -> tuple[Choice, ...]:
        """Return the entry points of a group."""
        return self.entries.get(group, ())

    def find_groups(self, prefix: str) -> tuple[str, ...]:
        """Return the groups whose names start with a prefix."""
        return tuple(sorted(group for group in self.entries if group.startswith(prefix)))


def discover_installed() -> Discovered:
    """Return the entry points of installed packages."""
    return Discovered(_installed())


def discover(folder: Path) -> Discovered:
    """Return the installed entry points with those of the app whose `pyproject.toml` is in or above a folder.

    The app need not be installed, and cannot be imported before `trusted_folders.make_importable`. Raises
    ConfigurationError for a file that is invalid or misspells a group.
    """
    for candidate in (folder, *folder.parents):
        file = candidate / "pyproject.toml"
        if file.is_file():
            return _with_app(file)
    return discover_installed()


@lru_cache(maxsize=1)
def _installed() -> dict[str, tuple[Choice, ...]]:
    found: dict[str, dict[tuple[str, str], Choice]] = {}
    for point in entry_points():
        if point.group.startswith(_FRAMEWORK_PREFIX):
            distribution = point.dist.name if point.dist else "?"
            choice = Choice(point.name, point.value, distribution)
            found.setdefault(point.group, {})[point.name, normalize(distribution)] = choice
    return {group: tuple(choices.values()) for group, choices in found.items()}


def _with_app(file: Path) -> Discovered:
    try:
        project = tomllib.loads(file.read_text(encoding="utf-8")).get("project", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is not valid TOML: {error}") from error
    groups = {
        group: points
        for group, points in project.get("entry-points", {}).items()
        if group.startswith(_FRAMEWORK_PREFIX)
    }
    for group in groups:
        added_to = group.rpartition(".")[0]
        if not {group, added_to} & {*_GROUPS} and (meant := find_similar(group, _GROUPS, likeness=0.9)):
            raise ConfigurationError(f"{file} has entry points in the group {group!r}: did you mean {meant!r}?")
    if not groups.get(APPS):
        return discover_installed()
    name = project.get("name", file.parent.name)
    own = {group: tuple(Choice(key, value, name) for key, value in points.items()) for group, points in groups.items()}
    others = {
        group: tuple(choice for choice in choices if normalize(choice.distribution) != normalize(name))
        for group, choices in _installed().items()
    }
    entries = {group: (*others.get(group, ()), *own.get(group, ())) for group in {**others, **own}}
    everything = tuple(choice for choices in own.values() for choice in choices)
    return Discovered(entries, file.parent, own[APPS], str(project.get("version", "0")), everything)


def normalize(distribution: str) -> str:
    """Return a distribution's normalized name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def load(choice: Choice) -> Any:
    """Import the object of an entry point. Raises ConfigurationError naming it if it cannot be imported."""
    module, _, attribute = choice.value.partition(":")
    try:
        loaded = importlib.import_module(module)
        return getattr(loaded, attribute) if attribute else loaded
    except Exception as error:
        what = f"{choice.name!r} of {choice.distribution} points to {choice.value!r}"
        text = f"{what}, which could not be loaded: {_error_text(error)}{_extra_of(choice, error)}"
        raise ConfigurationError(text) from error


def _extra_of(choice: Choice, error: Exception) -> str:
    """Return what to install if the distribution has an extra for the module that is missing."""
    missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    try:
        extras = metadata(choice.distribution).get_all("Provides-Extra") or ()
    except PackageNotFoundError:
        return ""
    return f": install {choice.distribution}[{missing}]" if missing in extras else ""


def version_of(distribution: str) -> str:
    """Return the version of an installed distribution, or "0" if it is not installed."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "0"


def folder_of(package: str) -> Path | None:
    """Return the folder of a package without importing it, or None if it is not installed."""
    spec = importlib.util.find_spec(package)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) if places else None


def find_source(choice: Choice) -> Path | None:
    """Return the folder of an app's package, or the file of its module, without importing it."""
    module = choice.value.partition(":")[0]
    spec = importlib.util.find_spec(module)
    if spec is None or spec.submodule_search_locations:
        return folder_of(module)
    return Path(spec.origin) if spec.origin else None


def describe(choice: Choice, sources: Sequence[Path] = ()) -> str:
    """Return the first line of an entry point's docstring, read from the source: nothing is imported.

    For a function this is its own docstring, else that of the module, without a name before a colon. A broken entry
    point is described as broken, so that it does not affect others. `sources` are searched first.
    """
    module, _, attribute = choice.value.partition(":")
    try:
        spec = _spec_of(module, sources)
        source = spec.loader.get_source(module) if spec.loader else None  # type: ignore[attr-defined]
        tree = ast.parse(source or "")
    except Exception as error:
        return f"(from {choice.distribution}, failed to load: {type(error).__name__})"
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    own = [ast.get_docstring(node) for node in tree.body if isinstance(node, functions) and node.name == attribute]
    line = ((own[0] if own else ast.get_docstring(tree)) or "").partition("\n")[0]
    text = line if own else line.rpartition("`: ")[2]
    return text[:1].upper() + text[1:]


def _spec_of(module: str, sources: Sequence[Path]) -> ModuleSpec:
    """Find a module as an import would, but without importing the packages that it is in.

    Raises ModuleNotFoundError.
    """
    package = module.rpartition(".")[0]
    path = _spec_of(package, sources).submodule_search_locations if package else [*map(str, sources), *sys.path]
    found = (finder.find_spec(module, path) for finder in sys.meta_path)
    spec = next((one for one in found if one is not None), None)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)
    return spec


def modules_of(package: ModuleType) -> Iterator[ModuleType]:
    """Import and yield a package and its modules, except tests. Raises ConfigurationError if an import fails."""
    yield package
    for found in pkgutil.iter_modules(getattr(package, "__path__", ()), f"{package.__name__}."):
        if found.name.rpartition(".")[2] not in _EXCLUDED_MODULES:
            yield from modules_of(_import_module(found.name))


def _import_module(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except Exception as error:
        raise ConfigurationError(f"the app's module {module} could not be imported: {_error_text(error)}") from error


_IMPORT_FILES = frozenset({__file__, importlib.__file__})


_NO_UNION: Final = "unsupported operand type(s) for |: "
_NAMED_LIKE_ITS_TYPE: Final = re.compile(r"\s*(\w+)\s*:.*\b\1\b.*=")


def _error_text(error: Exception) -> str:
    """Return an import's error with the last location that is not in a library or the import machinery."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename not in _IMPORT_FILES]
    own = [frame for frame in frames if not ("site-packages" in frame.filename or frame.filename.startswith("<"))]
    says_what = isinstance(error, (ImportError, AttributeError))
    places = own or ([] if says_what else frames)
    at = f" ({places[-1].filename}, line {places[-1].lineno})" if places else ""
    hint = _shadowing_hint(error, places[-1].line or "" if places else "")
    return f"{error}{at}" if says_what else f"{type(error).__name__}: {error}{at}{hint}"


def _shadowing_hint(error: Exception, line: str) -> str:
    """Return what to write instead of a field whose name hides the type of that name, such as `date: date | None`."""
    if not (isinstance(error, TypeError) and str(error).startswith(_NO_UNION)):
        return ""
    found = _NAMED_LIKE_ITS_TYPE.match(line)
    name = found[1] if found else "date"
    which = f"the field {name!r} hides" if found else "a field may hide"
    return (
        f": {which} the type of its name within its class: import the type under another name, "
        f"such as `{name.title()}` for `{name}: {name.title()} | None = None`"
    )
