"""The revision files of an app, read as text: enough to order them without importing them or Alembic."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.services.migrations.files.record import StepId

__all__ = ["VERSIONS", "RevisionFile", "add_ancestors", "checksum_of", "heads_of", "read_revisions", "sort_revisions"]

VERSIONS = "versions"
"""The folder of the revisions within the folder of the migrations."""

_ID = re.compile(r"""^revision\b[^=\n]*=\s*["'](?P<id>[^"'\n]+)["']""", re.MULTILINE)
_DOWN = re.compile(r"^down_revision\b[^=\n]*=\s*(?P<down>\([^)]*\)|[^\n]*)", re.MULTILINE)
_NAMES = re.compile(r"""["']([^"'\n]+)["']""")
_OTHERS = {
    word: re.compile(rf"^{word}\b[^=\n]*=\s*(?P<ids>\([^)]*\)|[^\n]*)", re.MULTILINE)
    for word in ("depends_on", "adopts")
}
_MESSAGE = re.compile(r'\A\s*[rR]?"""\s*(?P<message>[^\n]*?)\s*(?:"""|\n)')


@dataclass(frozen=True, slots=True)
class RevisionFile:
    """A revision: its id in its app, the ids of those that it follows, its message, and a digest of its text.

    `depends_on` are revisions of other apps that come before it. `adopts` are those of which this app's earlier
    revisions have done what they do, and what the ones before them do.
    """

    app: str
    id: str
    down: tuple[str, ...]
    message: str
    checksum: str
    path: Path
    depends_on: tuple[StepId, ...] = ()
    adopts: tuple[StepId, ...] = ()

    @property
    def step(self) -> StepId:
        """The revision among those of all apps."""
        return StepId(self.app, self.id)

    @property
    def place(self) -> StepId:
        """The revision by whose place in the order it is run: its own."""
        return self.step


def read_revisions(folder: Path, app: str) -> tuple[RevisionFile, ...]:
    """Return all revisions of an app in order. Raises ConfigurationError naming a file that is not a revision."""
    files = sorted((folder / VERSIONS).glob("*.py"))
    return sort_revisions([_read(path, app) for path in files if not path.name.startswith("_")])


def heads_of(revisions: Sequence[RevisionFile]) -> tuple[str, ...]:
    """Return the revisions that no other follows."""
    followed = {down for revision in revisions for down in revision.down}
    return tuple(revision.id for revision in revisions if revision.id not in followed)


def add_ancestors(revisions: Sequence[RevisionFile], current: Collection[str]) -> frozenset[str]:
    """Return the current revisions and all that precede them."""
    known = {revision.id: revision for revision in revisions}
    found: set[str] = set()
    waiting = list(current)
    while waiting:
        id = waiting.pop()
        if id not in found:
            found.add(id)
            waiting += known[id].down if id in known else ()
    return frozenset(found)


def sort_revisions(revisions: Sequence[RevisionFile]) -> tuple[RevisionFile, ...]:
    """Sort revisions after those that they follow, else by id. Raises ConfigurationError for a gap or a cycle."""
    known = _by_id(revisions)
    ordered: dict[str, RevisionFile] = {}
    waiting = sorted(revisions, key=lambda revision: revision.id)
    while waiting:
        ready = [revision for revision in waiting if all(down in ordered for down in revision.down)]
        if not ready:
            raise ConfigurationError("the revisions have no order:", list(_broken(waiting, known)))
        ordered |= {revision.id: revision for revision in ready}
        waiting = [revision for revision in waiting if revision.id not in ordered]
    return tuple(ordered.values())


def _by_id(revisions: Sequence[RevisionFile]) -> Mapping[str, RevisionFile]:
    known: dict[str, RevisionFile] = {}
    for revision in revisions:
        other = known.setdefault(revision.id, revision)
        if other is not revision:
            raise ConfigurationError(
                f"{other.path.name} and {revision.path.name} are both revision {revision.id!r}: rename one of them, in "
                "its `revision` and its file name, and let it follow the other"
            )
    return known


def _broken(waiting: Sequence[RevisionFile], known: Mapping[str, RevisionFile]) -> Iterator[str]:
    for revision in waiting:
        missing = [down for down in revision.down if down not in known]
        reason = f"{', '.join(missing)}, which has no file" if missing else "one that follows it"
        yield f"{revision.path.name} follows {reason}: set its down_revision"


def _read(path: Path, app: str) -> RevisionFile:
    content = path.read_bytes()
    text = content.decode("utf-8")
    id, down, message = _ID.search(text), _DOWN.search(text), _MESSAGE.search(text)
    if id is None or down is None:
        raise ConfigurationError(
            f"{path}: expected `revision` and `down_revision` in a revision: move other files elsewhere"
        )
    said = message["message"] if message else ""
    depends_on, adopts = (_others(path, app, word, text) for word in _OTHERS)
    names = tuple(_NAMES.findall(down["down"]))
    return RevisionFile(app, id["id"], names, said, checksum_of(content), path, depends_on, adopts)


def _others(path: Path, app: str, word: str, text: str) -> tuple[StepId, ...]:
    """Return the revisions of other apps that a file names. Raises ConfigurationError for others."""
    found = _OTHERS[word].search(text)
    names = _NAMES.findall(found["ids"]) if found else []
    steps = [StepId(*name.partition(":")[::2]) for name in names]
    if wrong := [name for name, step in zip(names, steps, strict=True) if not step.name or step.app == app]:
        raise ConfigurationError(
            f'{path}: expected a revision of another app as {word}, such as "crm:0001_initial", got {wrong[0]!r}'
        )
    return tuple(steps)


def checksum_of(content: bytes) -> str:
    """Return a digest of a file's text, whatever its line ends."""
    return hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
