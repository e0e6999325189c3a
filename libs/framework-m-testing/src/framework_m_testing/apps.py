"""`open_app`: a whole app on an empty store, as its own tests use it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from framework_m_core.bootstrap.application import Application, open_application
from framework_m_core.domain.scope import GUEST, Principal, RequestScope, system_scope
from framework_m_core.registry.snapshot import Snapshot
from framework_m_core.services.document_door import ScopedDocuments
from framework_m_testing.samples import sample_value

__all__ = ["OpenApp", "open_app"]

_FOR_TESTS: Final = {"framework.env": "development", "adapters.store": "memory"}


@dataclass(frozen=True)
class OpenApp:
    """An app whose documents are in memory, and people who work with them."""

    application: Application
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @property
    def snapshot(self) -> Snapshot:
        """What the app declares."""
        return self.application.snapshot

    @property
    def system(self) -> ScopedDocuments:
        """The documents as the system works with them: every right, all rules."""
        return self.application.documents.scoped(system_scope("a test"))

    def user(self, *roles: str) -> ScopedDocuments:
        """The documents as somebody new with these roles may work with them."""
        somebody = Principal(str(uuid4()), frozenset({*roles, GUEST}), "somebody@example.com")
        return self.application.documents.scoped(RequestScope(somebody, source="cli"))

    async def sample(self, doctype: str, **values: Any) -> Mapping[str, Any]:
        """Values that a new document needs, but for those given; documents that it links to are made.

        For fields with rules of their own, such as a pattern, the test gives the value.
        """
        plan, number = self.snapshot.get(doctype), next(self._numbers)
        needed = {name: spec for name, spec in plan.fields.items() if spec.required and name not in values}
        kinds = {name: info.annotation for name, info in plan.model.model_fields.items()}
        found = {name: sample_value(spec, number, kinds[name]) for name, spec in needed.items() if not spec.link}
        for name, spec in needed.items():
            if spec.link:
                target = await self.system.create(spec.link, await self.sample(spec.link))
                found[name] = target["id"]
        return found | values


class _Variables(dict[str, str]):
    """The machine's variables, with a stand-in for each that it lacks: tests get no secrets, and need none."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return f"a stand-in for the variable {name} in tests"


@asynccontextmanager
async def open_app(folder: Path | None = None) -> AsyncIterator[OpenApp]:
    """The app in a folder (default: the working directory), on an empty store in memory, closed at the end.

    Its `framework_config.toml` holds, but for the environment, which is development, and the store. Variables that
    configure the framework on this machine do not count, and `${NAME}` of one that is missing gets a stand-in.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("M_") and name != "DATABASE_URL"}
    kept = _Variables(own)
    async with open_application(folder, environment=kept, overrides=_FOR_TESTS) as application:
        yield OpenApp(application)
