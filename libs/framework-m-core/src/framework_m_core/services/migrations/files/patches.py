"""The patch files of an app: changes of stored data, each a module with an async `run` that runs once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.services.migrations.files.record import StepId
from framework_m_core.services.migrations.files.revisions import checksum_of

__all__ = ["PATCHES", "PatchFile", "read_patches"]

PATCHES = "patches"
"""The folder of the patches within the folder of the migrations."""

_AFTER = re.compile(r"""^after\b[^=\n]*=\s*["'](?P<after>[^"'\n]+)["']""", re.MULTILINE)
_MESSAGE = re.compile(r'\A\s*[rR]?"""\s*(?P<message>[^\n]*?)\s*(?:"""|\n)')
_RUN = re.compile(r"^async\s+def\s+run\s*\((?P<takes>[^)]*)\)", re.MULTILINE)
_NAME = re.compile(r"\d{4,}_\w+")


@dataclass(frozen=True, slots=True)
class PatchFile:
    """A patch: its name, the revision that it follows, its message, a digest of its text, and whether it takes
    documents, which have the current classes."""

    app: str
    name: str
    after: str
    message: str
    checksum: str
    takes_documents: bool
    path: Path

    @property
    def step(self) -> StepId:
        """The patch among those of all apps."""
        return StepId(self.app, self.name)

    @property
    def place(self) -> StepId:
        """The revision by whose place in the order it is run: the one that it follows."""
        return StepId(self.app, self.after)


def read_patches(folder: Path, app: str, revisions: Collection[str]) -> tuple[PatchFile, ...]:
    """Return all patches of an app by name. Raises ConfigurationError listing all files that are not valid patches."""
    files = sorted((folder / PATCHES).glob("*.py"))
    patches = [_read(path, app) for path in files if not path.name.startswith("_")]
    if errors := list(_find_errors(patches, revisions)):
        raise ConfigurationError("the patches are invalid:", errors)
    return tuple(patches)


def _read(path: Path, app: str) -> PatchFile:
    content = path.read_bytes()
    text = content.decode("utf-8")
    after, message, run = _AFTER.search(text), _MESSAGE.search(text), _RUN.search(text)
    said = message["message"].rstrip(".") if message else ""
    takes_documents = run is not None and re.search(r"\bdocuments\b", run["takes"]) is not None
    return PatchFile(app, path.stem, after["after"] if after else "", said, checksum_of(content), takes_documents, path)


def _find_errors(patches: Collection[PatchFile], revisions: Collection[str]) -> Iterator[str]:
    for patch in patches:
        if not _NAME.fullmatch(patch.name):
            yield f"{patch.path.name}: expected a numbered name such as 0001_fill_tax_ids.py, which gives the order"
        if not patch.after:
            yield f'{patch.path.name}: expected a line such as after = "0001_initial", naming the revision before it'
        elif patch.after not in revisions:
            yield f"{patch.path.name}: expected a revision in versions/ as `after`, got {patch.after!r}"
