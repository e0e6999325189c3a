"""Random apps stop the start with one message that lists their errors, or start and conform, alike on each store.

They run in memory, on SQLite and PostgreSQL; by `make fuzz`, a share of them on MariaDB or MongoDB, too.
"""

from __future__ import annotations

import itertools
import os
import re
import sys
from pathlib import Path
from typing import Final

import pytest
from hypothesis import strategies as st

from framework_m_core.domain.context import make_system_context
from framework_m_core.domain.errors import ConfigurationError, DuplicateValueError, ValidationError
from framework_m_core.domain.fields.computed import find_info
from framework_m_core.domain.fields.spec import FieldKind
from framework_m_core.registry.compiled import CompiledDocType
from framework_m_testing.apps import AppClient, open_app
from framework_m_testing.conformance import DocTypeConformance
from framework_m_testing.samples.bodies import SampleDocuments
from framework_m_testing.samples.fields import NoSampleError
from tests.fuzz.databases import Servers, write_project
from tests.fuzz.declarations import AppSource, app_sources
from tests.fuzz.fuzzing import SECONDS, fuzz
from tests.mariadb_server import VARIABLE as MARIADB

_APP = "generated"
_NUMBERS = itertools.count()
_STORES: Final = ("memory", "sqlite", "postgres")
_ADDRESSES: Final = re.compile(r"\d{9,}")
"""Those of objects, which differ from start to start."""

_BOUNDS = frozenset({"out_of_bounds", "too_long", "bad_pattern", "not_a_choice"})
"""What refuses a guessed value that is of the right type."""


class Conformance(DocTypeConformance):
    """The tests of the generated DocTypes."""

    apps = (_APP,)


@pytest.fixture
def servers(request: pytest.FixtureRequest, postgres_database: str) -> Servers:
    """The servers on which apps run."""
    if not SECONDS:
        return Servers(postgres_database)
    return Servers(postgres_database, os.environ.get(MARIADB), request.getfixturevalue("mongodb_url"))


@pytest.mark.filterwarnings("ignore")
def test_random_apps_are_refused_in_one_message_or_conform(tmp_path: Path, servers: Servers) -> None:
    async def check(drawn: tuple[AppSource, str | None]) -> None:
        source, other = drawn
        folder = write(source, tmp_path)
        try:
            told = {store: await check_app(folder, servers, store) for store in (*_STORES, *([other] if other else ()))}
        finally:
            sys.modules.pop(folder.name, None)
        assert len({*told.values()}) == 1, told

    others = [name for name in ("mariadb", "mongo") if getattr(servers, name)]
    fuzz(st.tuples(app_sources(), st.sampled_from([None, None, *others])), check, batch=15)


def write(source: AppSource, parent: Path) -> Path:
    """Write an app into a folder of its own."""
    folder = parent / f"generated_{next(_NUMBERS)}"
    folder.mkdir()
    (folder / f"{folder.name}.py").write_text(source.text, encoding="utf-8")
    write_project(folder, _APP, folder.name)
    return folder


async def check_app(folder: Path, servers: Servers, store: str) -> str | None:
    """Check that an app is refused by a ConfigurationError that says why, and return that, or starts and conforms."""
    try:
        async with servers.open(store, folder) as settings, open_app(folder, settings=settings) as app:
            await check_conformance(app)
            await check_description(app)
    except ConfigurationError as error:
        told = str(error)
        if not told.strip() or "Traceback" in told:
            raise
        return _ADDRESSES.sub("", told)
    except Exception as error:
        error.add_note(f"on {store}")
        raise
    return None


async def check_conformance(app: AppClient) -> None:
    """Run the tests of conformance, unless a bound of a field refuses all that samples guess."""
    if not any(plan.app == _APP and plan.meta.has_api for plan in app.registry.doctypes.values()):
        return
    suite, opened = Conformance(), app.application
    samples = SampleDocuments(opened, make_system_context("conform", source="cli"), {})
    try:
        await suite.test_a_document_is_kept_as_it_was_answered(opened, samples)
        await suite.test_a_document_has_the_shape_that_its_schema_tells(opened, samples)
        await suite.test_the_metadata_tell_what_a_caller_may_see(opened)
        await suite.test_only_the_roles_that_are_named_get_in(opened, samples)
        await suite.test_lists_sort_and_filter_by_every_column(opened, samples)
    except DuplicateValueError:
        if not _has_few_values(app):
            raise
    except NoSampleError as error:
        cause = error.__cause__
        if isinstance(cause, ValidationError) and any(one.code not in _BOUNDS for one in cause.errors):
            raise


def _has_few_values(app: AppClient) -> bool:
    """Return whether documents may not share a value of which there are only a few, or a link."""
    plans = [plan for plan in app.registry.doctypes.values() if plan.app == _APP]
    return any(
        _is_few(plan, name)
        for plan in plans
        for name in {name for name, spec in plan.fields.items() if spec.unique}.union(*plan.meta.unique_together)
        if name in plan.fields
    )


def _is_few(plan: CompiledDocType, name: str) -> bool:
    spec = plan.fields[name]
    is_empty = any(getattr(one, "max_length", None) == 0 for one in find_info(plan.model, name).metadata)
    return bool(spec.kind is FieldKind.BOOLEAN or spec.choices or spec.enum or spec.link or is_empty)


async def check_description(app: AppClient) -> None:
    """Check that the web serves what it says of the DocTypes."""
    async with app.client(app.user("Administrator")) as client:
        for path in ("/api/meta", "/schema/openapi.json"):
            response = await client.get(path)
            assert response.status_code == 200, (path, response.text)
