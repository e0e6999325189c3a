"""`MigrationGraph`: the migrations of all loaded apps in one order, and what a store's record says of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.interfaces.migration import MigrationKind, MigrationStep
from framework_m_core.services.migrations.files.app_files import MigrationFile, MigrationFiles
from framework_m_core.services.migrations.files.patches import PatchFile
from framework_m_core.services.migrations.files.record import MigrationRecord, StepId
from framework_m_core.services.migrations.files.revisions import RevisionFile, add_ancestors
from framework_m_core.services.migrations.former_record import convert_former
from framework_m_core.services.migrations.prerequisites import sort_apps

__all__ = ["MigrationGraph"]

_BASE = "base"


@dataclass(frozen=True)
class MigrationGraph:
    """The migrations of the apps; `needs` are the apps whose migrations come before those of an app.

    `own` are the apps in the working directory; steps of `home` are named without it.
    """

    files: Mapping[str, MigrationFiles]
    needs: Mapping[str, frozenset[str]]
    own: tuple[str, ...]
    home: str | None

    @cached_property
    def order(self) -> tuple[MigrationFile, ...]:
        """All revisions and patches in the order in which they run. Raises ConfigurationError if there is none."""
        left = {app: [*self.files[app].list_all()] for app in sort_apps((*self.files,), self.needs)}
        done: dict[StepId, MigrationFile] = {}
        while any(left.values()):
            app = next((app for app, files in left.items() if files and self._waits_for(files[0]) <= done.keys()), None)
            if app is None:
                raise ConfigurationError("the revisions have no order:", [*self._explain(left, done)])
            file = left[app].pop(0)
            done[file.step] = file
        return tuple(done.values())

    @cached_property
    def adopters(self) -> Mapping[StepId, RevisionFile]:
        """The revisions that others adopt, with the revisions that do. Raises ConfigurationError for unknown ones."""
        return {step: revision for revision in self.list_revisions() for step in self.list_adopted(revision)}

    def list_adopted(self, revision: RevisionFile) -> Iterator[StepId]:
        """Yield the revisions that a revision adopts, of the apps that are loaded."""
        for step in revision.adopts:
            if files := self.files.get(step.app):
                known = {files.resolve(step.name)}
                yield from (StepId(step.app, id) for id in add_ancestors(files.revisions, known))

    def list_revisions(self) -> Iterator[RevisionFile]:
        """Yield the revisions of all apps."""
        for files in self.files.values():
            yield from files.revisions

    def list_until(self, revision: RevisionFile) -> list[RevisionFile]:
        """Return a revision and those before it in its app."""
        known = self.files[revision.app].revisions
        until = add_ancestors(known, [revision.id])
        return [one for one in known if one.id in until]

    def list_needed(self, app: str) -> frozenset[str]:
        """Return all apps whose migrations come before those of an app."""
        found, waiting = set[str](), [app]
        while waiting:
            new = self.needs.get(waiting.pop(), frozenset()) - found
            found |= new
            waiting += new
        return frozenset(found - {app})

    def is_unwritten(self) -> bool:
        """Return whether no app here has revisions."""
        return not any(files.revisions for files in self.files.values())

    def is_begun(self) -> bool:
        """Return whether an app in the working directory has revisions."""
        return any(self.files[app].revisions for app in self.own if app in self.files)

    def read(self, record: MigrationRecord) -> MigrationRecord:
        """Return a store's record with the app of what names none."""
        preferred = [app for app in (self.home, *self.own, *reversed([*self.files])) if app in self.files]
        return convert_former(record, [self.files[app] for app in dict.fromkeys(preferred) if app is not None])

    def format_step(self, step: StepId) -> str:
        """Return the name by which commands show and take a step."""
        return step.name if step.app == self.home else str(step)

    def parse(self, name: str) -> StepId:
        """Return the revision, or `base`, that a command names. Raises ConfigurationError."""
        app, colon, rest = name.partition(":")
        found = app if colon and app in self.files else self.home
        if found is None or found not in self.files:
            known = ", ".join(self.files) or "none"
            raise ConfigurationError(f"expected APP:REVISION with an app of {known}, got {name!r}")
        rest = rest if found == app and colon else name
        return StepId(found, rest if rest == _BASE else self.files[found].resolve(rest))

    def describe(self, file: MigrationFile, *, applied: bool) -> MigrationStep:
        """Return a file as a step of the port."""
        kind = MigrationKind.PATCH if isinstance(file, PatchFile) else MigrationKind.REVISION
        return MigrationStep(self.format_step(file.step), kind, file.message, applied)

    def find_writer(self, table: str, column: str | None, app: str | None) -> str | None:
        """Return the app whose revisions made what no DocType declares: a table, or a column of a table of an app."""
        for name in dict.fromkeys((app, *self.own, *self.files)):
            files = self.files.get(name or "")
            if files and (files.is_creator_of(table) if column is None else files.has_names(table, column)):
                return name
        return self.home if app is None else app

    def history(self, record: MigrationRecord) -> list[MigrationStep]:
        """Return all steps, the oldest first."""
        return [self.describe(file, applied=self._is_done(file, record)) for file in self.order]

    def list_current(self, record: MigrationRecord) -> tuple[str, ...]:
        """Return the newest applied revisions, of the app in the working directory first."""
        applied = [one for one in self.list_revisions() if one.step in record.revisions]
        followed = {StepId(one.app, down) for one in applied for down in one.down}
        found = [one.step for one in applied if one.step not in followed]
        return tuple(map(self.format_step, sorted(found, key=lambda step: step.app != self.home)))

    def list_pending(
        self, record: MigrationRecord, to: str | None = None, *, empty: Collection[str] = ()
    ) -> list[MigrationFile]:
        """Return the pending files, up to and including a revision.

        Patches that take documents, of apps whose tables are `empty`, come last, when the tables match the current
        classes. Raises ConfigurationError for a revision without a file, whether it is given or the database is at it.
        """
        self.check_known(record)
        wanted = set(self._up_to(self.parse(to))) if to else {file.place for file in self.order}
        files = [
            file
            for file in self.order
            if (file.place in wanted or file.place in record.revisions)
            and file.step not in self.adopters
            and not self._is_done(file, record)
        ]
        return sorted(files, key=lambda file: file.app in empty and _takes_documents(file))

    def check_heads(self) -> None:
        """Raise ConfigurationError if an app has more than one newest revision."""
        for files in self.files.values():
            files.check_heads()

    def check_known(self, record: MigrationRecord) -> None:
        """Raise ConfigurationError if the database is at a revision of a loaded app without a file."""
        for app, files in self.files.items():
            applied = {step.name for step in record.revisions if step.app == app}
            if lost := applied - {revision.id for revision in files.revisions}:
                raise ConfigurationError(
                    f"the database is at revision {self._join(app, lost)}, which has no file in {files.folder}: "
                    "update the code if it is older than the database, or restore the file"
                )

    def check_current(self, record: MigrationRecord, app: str) -> None:
        """Raise ConfigurationError if the database lacks a revision of an app, which a new one would contain again."""
        files = [file for file in self.list_pending(record) if file.app == app]
        if pending := [file for file in files if isinstance(file, RevisionFile)]:
            names = ", ".join(self.format_step(file.step) for file in pending)
            raise ConfigurationError(
                f"the database is behind: run {names} first, by `m migrate run`, because a revision contains the "
                "differences between the database and the DocTypes"
            )

    def require_revisions(self, apps: Collection[str]) -> None:
        """Raise ConfigurationError if an app here has DocTypes, but no revisions, or if no app of these has any."""
        here = [app for app in self.own if app in apps]
        for app in here or ([*apps] if self.is_unwritten() else ()):
            self.files[app].require_revisions()

    def list_elsewhere(self, lines: Mapping[str, Sequence[str]]) -> list[str]:
        """Return a line for each app of another folder with differences, given as lines by app."""
        return [
            f"{app}: {'; '.join(found)}: its own revisions must contain that, by `m migrate create` in its folder; its "
            f"migrations are in {self.files[app].folder}"
            for app, found in sorted(lines.items())
            if found and app not in self.own and app in self.files
        ]

    def refuse_synced(self, tables: str) -> None:
        """Raise ConfigurationError if there are revisions that the tables, or collections, were not created by."""
        if not self.is_unwritten():
            raise ConfigurationError(
                f"the {tables} of this database were created by development's sync, not by the app's revisions: "
                "`m migrate init` adopts them as they are, or start with an empty database and `m migrate run`"
            )

    def find_unadopted(self, record: MigrationRecord, existing: Collection[str]) -> list[str]:
        """Return the apps whose tables exist although no revision of theirs was run, or is adopted by another."""
        adopted = {step.app for step in self.adopters}
        return [
            app
            for app, files in self.files.items()
            if files.revisions and app in existing and app not in record.apps and app not in adopted
        ]

    def find_unbegun(self, record: MigrationRecord, existing: Collection[str]) -> list[str]:
        """Return the apps in the working directory whose tables exist, but that have no revisions."""
        begun = {*record.apps, *(app for app, files in self.files.items() if files.revisions)}
        return [app for app in self.own if app in existing and app not in begun]

    def check_adopted(self, record: MigrationRecord, existing: Collection[str], tables: str) -> None:
        """Raise ConfigurationError if an app has tables, or collections, that its revisions have not created."""
        if apps := self.find_unadopted(record, existing):
            raise ConfigurationError(
                f"the {tables} of {', '.join(apps)} were not created by its own revisions: `m migrate init` compares "
                "them and writes a revision that adopts them"
            )

    def list_to_revert(self, record: MigrationRecord, steps: int, to: str | None) -> list[RevisionFile]:
        """Return the newest `steps` applied revisions of an app, or all after `to`, the newest first.

        Raises ConfigurationError if the first revision is among them but `to` is not "base", or if applied revisions of
        other apps need one of them.
        """
        until = self.parse(to) if to else None
        files = self.files[until.app if until else self.parse(_BASE).app]
        applied = [revision for revision in files.revisions if revision.step in record.revisions]
        if until is None:
            kept = len(applied) - steps
        elif until.name == _BASE:
            kept = 0
        else:
            kept = [one.id for one in applied].index(until.name) + 1 if until in record.revisions else len(applied)
        if applied and kept <= 0 and not (until and until.name == _BASE):
            raise ConfigurationError(
                f"{self.format_step(applied[0].step)} is the first revision: undoing it drops all documents of the "
                f"app. To do so: m migrate rollback --to {self.format_step(StepId(files.app, _BASE))}"
            )
        reverted = applied[max(kept, 0) :][::-1]
        self._check_needless(reverted, record, is_first=bool(applied) and kept <= 0)
        return reverted

    def _check_needless(self, reverted: Sequence[RevisionFile], record: MigrationRecord, *, is_first: bool) -> None:
        """Raise ConfigurationError if applied revisions of other apps need one of these."""
        gone = {revision.step for revision in reverted}
        apps = {revision.app for revision in reverted}
        adopted = {step for step, adopter in self.adopters.items() if adopter.step in gone}
        for file in self.order:
            if file.step not in record.revisions or file.app in apps or file.step in adopted:
                continue
            follows = file.app in {step.app for step in adopted} or not gone.isdisjoint(self._waits_for(file))
            if follows or (is_first and not apps.isdisjoint(self.needs.get(file.app, ()))):
                raise ConfigurationError(
                    f"{file.step} was run and needs {', '.join(map(str, sorted(gone)))}: undo it first, by "
                    f"m migrate rollback --to {file.app}:…"
                )

    def _waits_for(self, file: MigrationFile) -> set[StepId]:
        """Return the steps of other apps that come before one, of the apps that are loaded."""
        if isinstance(file, PatchFile):
            return set()
        loaded = [one for one in file.depends_on if one.app in self.files]
        known = {StepId(one.app, self.files[one.app].resolve(one.name)) for one in loaded}
        adopter = self.adopters.get(file.step)
        return known | ({adopter.step} if adopter else set())

    def _explain(self, left: Mapping[str, Sequence[MigrationFile]], done: Collection[StepId]) -> Iterator[str]:
        for files in left.values():
            if files:
                missing = ", ".join(str(step) for step in sorted(self._waits_for(files[0])) if step not in done)
                yield f"{files[0].step} waits for {missing}, which waits for it: change depends_on or adopts of one"

    def _up_to(self, step: StepId) -> Iterator[StepId]:
        """Yield the revisions up to one."""
        for file in self.order:
            if isinstance(file, RevisionFile):
                yield file.step
                if file.step == step:
                    return

    def _is_done(self, file: MigrationFile, record: MigrationRecord) -> bool:
        if isinstance(file, PatchFile):
            return file.step in record.patches
        adopter = self.adopters.get(file.step)
        return file.step in record.revisions or (adopter is not None and adopter.step in record.revisions)

    def _join(self, app: str, names: Collection[str]) -> str:
        return ", ".join(self.format_step(StepId(app, name)) for name in sorted(names))


def _takes_documents(file: MigrationFile) -> bool:
    return isinstance(file, PatchFile) and file.takes_documents
