"""Equal tags mean equal bytes, whoever asks, whatever the DocType and whichever worker answers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest

from framework_m import DocType, Field
from framework_m_core.domain.context import RequestContext
from framework_m_core.interfaces.permission import Grant
from framework_m_core.registry.compilation.builder import RegistryBuilder
from framework_m_core.registry.handle import RegistryHandle
from framework_m_core.registry.registry import Registry
from framework_m_core.services.rows.projection import compile_projection
from framework_m_standard.auth.rbac import RbacPermission
from framework_m_standard.http.settings import HttpSettings
from framework_m_standard.sql.settings import SqlSettings
from framework_m_standard.sql.startup import make_driver
from framework_m_standard.sql.store import SqlStore

from . import conftest
from .conftest import OpenSite, Site, make_site


class Colour(StrEnum):
    """An enumeration."""

    RED = "red"
    BLUE = "blue"


_ROLES = ("Boss", "Reader", "Owner")
_CALLERS = ("admin", "boss", "reader", "owner")
_FIELDS: Mapping[str, tuple[Any, Any, dict[str, Any]]] = {
    "text": (str, "a", {}),
    "number": (int, 7, {}),
    "ratio": (float, 0.1, {}),
    "price": (Decimal, Decimal("1.50"), {"scale": 2}),
    "fine": (Decimal, Decimal("0.00000001"), {"scale": 8}),
    "flag": (bool, True, {}),
    "day": (date, date(2026, 1, 31), {}),
    "moment": (datetime, datetime(2026, 1, 31, 12, tzinfo=UTC), {}),
    "key": (UUID, UUID(int=7), {}),
    "link": (UUID | None, None, {"link": "Thing"}),
    "seal": (bytes, b"\x00a", {}),
    "colour": (Colour, Colour.RED, {}),
    "tags": (list[str], ["b", "a"], {}),
    "counts": (list[int], [], {}),
    "mapping": (dict[str, Any], {"b": 1.5, "a": None}, {}),
}
"""A field of each kind, with its default and keywords."""

_VALUES: Mapping[str, Any] = {
    "text": "é", "ratio": -0.0, "price": "-2", "fine": "9", "flag": False, "day": "0001-01-01",
    "moment": "2026-01-31T12:00:00.5+05:30", "key": str(UUID(int=8)).upper(), "seal": "/+8=", "colour": "blue",
    "tags": ["é", ""], "counts": [2**62], "mapping": {"longer": 1e22, "b": [1.0], "a": 2},
}  # fmt: skip
"""Values of these fields as a caller sends them, some of which are read otherwise."""

_QUERIES = ("", "?fields=number", "?expand=partner", "?fields=partner,number&expand=partner", "?titles=true")
_PAGES = ("", "?limit=1", "?count=exact", "?fields=number,partner&expand=partner", "?titles=true")


@dataclass(frozen=True)
class Declared:
    """The levels of fields and of a row's fields, and which roles may read each level."""

    levels: Mapping[str, int]
    row_levels: Mapping[str, int]
    readers: tuple[frozenset[str], ...]
    more: Mapping[str, tuple[Any, Any, dict[str, Any]]]

    def registry(self) -> Registry:
        """A DocType `Thing` with rows that are declared so."""
        row = _doctype("Part", self.row_levels, _FIELDS, is_child_table=True, field_levels=self._shown(self.row_levels))
        link = (UUID | None, None, {"link": "Thing"})
        fields = {**_FIELDS, **self.more, "parts": (list[row], [], {}), "partner": link}  # type: ignore[valid-type]
        permissions = {action: dict.fromkeys(_ROLES, "all") for action in ("read", "create", "write")}
        builder = RegistryBuilder()
        builder.add_doctype(row, "things")
        builder.add_doctype(
            _doctype("Thing", self.levels, fields, permissions=permissions, field_levels=self._shown(self.levels)),
            "things",
        )
        return builder.freeze()

    def _shown(self, levels: Mapping[str, int]) -> Mapping[int, Any]:
        return {number: {"read": sorted(self.readers[number - 1])} for number in set(levels.values()) - {0}}


def _doctype(
    name: str, levels: Mapping[str, int], fields: Mapping[str, tuple[Any, Any, dict[str, Any]]], **options: Any
) -> type[DocType]:
    values = {
        field: Field(default=default, permlevel=levels.get(field, 0), **keywords)
        for field, (_, default, keywords) in fields.items()
    }
    annotations = {field: annotation for field, (annotation, _, _) in fields.items()}
    meta = type("Meta", (), {"__qualname__": f"{name}.Meta", **options})
    own = {"__module__": __name__, "__qualname__": name, "__annotations__": annotations, "Meta": meta, **values}
    return type(name, (DocType,), own)


def _declared(random: Random) -> Declared:
    hidden = [name for name in _FIELDS if name != "number"]
    return Declared(
        levels={name: random.randint(0, 2) for name in (*hidden, "parts")},
        row_levels={name: random.randint(0, 2) for name in hidden},
        readers=tuple(frozenset(random.sample(_ROLES, random.randint(0, 3))) for _ in range(2)),
        more={"extra": (dict[str, Any], {}, {})} if random.random() < 0.5 else {},
    )


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "postgres":
        return str(request.getfixturevalue("empty_postgres_url"))
    return f"sqlite:///{tmp_path}/data.db"


@asynccontextmanager
async def _worker(url: str, declared: Declared) -> AsyncIterator[Site]:
    driver = make_driver(SqlSettings(url=url), Path())
    await driver.open()
    try:
        yield await make_site(SqlStore(driver, RegistryHandle(declared.registry())), HttpSettings(), True)
    finally:
        await driver.close()


class _Seen:
    """The bytes that each tag was seen with."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}

    def note(self, response: Any) -> str:
        """Remember an answer, which has the bytes of its tag."""
        assert response.status_code in {200, 201}, response.text
        tag: str = response.headers["etag"]
        assert self.bodies.setdefault(tag, response.content) == response.content, tag
        return tag


async def _written(worker: Site, seen: _Seen) -> list[str]:
    async with worker.client("admin") as client:
        first = await client.post("/api/v1/Thing", json={"number": 1, "parts": [{"number": 1}]})
        links = dict.fromkeys(("partner", "link"), first.json()["id"])
        extra = {"extra": _VALUES["mapping"]} if "extra" in first.json() else {}
        row = {**_VALUES, "number": 2, "link": links["link"]}
        second = await client.post("/api/v1/Thing", json={**row, **links, **extra, "parts": [row, {"number": 3}]})
        paths = [f"/api/v1/Thing/{made.json()['id']}" for made in (first, second)]
        for response in (first, second, *[await client.get(path) for path in paths]):
            seen.note(response)
    for name in _CALLERS:
        async with worker.client(name) as client:
            for path in paths:
                changed = await client.patch(path, json={"number": 3 + _CALLERS.index(name)})
                seen.note(changed)
                seen.note(await client.get(path))
    return [*(path + query for path in paths for query in _QUERIES), *("/api/v1/Thing" + page for page in _PAGES)]


@pytest.mark.parametrize("seed", range(6))
async def test_equal_tags_are_equal_bytes(database_url: str, seed: int) -> None:
    random, seen = Random(seed), _Seen()
    declared = _declared(random)
    later = replace(_declared(random), more={**declared.more, "note": (str, "new", {})})
    requests: list[str] = []
    for generation in (declared, later):
        async with AsyncExitStack() as stack:
            workers = [await stack.enter_async_context(_worker(database_url, generation)) for _ in range(2)]
            requests = requests or await _written(workers[0], seen)
            for path in (*requests, "/api/meta", "/api/meta/Thing"):
                responses = {}
                for name in _CALLERS:
                    tags = set()
                    for worker in workers:
                        async with worker.client(name) as client:
                            responses[name] = await client.get(path)
                        tags.add(seen.note(responses[name]))
                    assert len(tags) == 1, (name, path)
                await _check_known(workers[0], path, responses)


async def _check_known(worker: Site, path: str, responses: Mapping[str, Any]) -> None:
    """A tag that one caller has spares another the body only where it is the same."""
    for name in _CALLERS:
        async with worker.client(name) as client:
            for other in responses.values():
                again = await client.get(path, headers={"if-none-match": other.headers["etag"]})
                assert again.status_code in {200, 304}
                if again.status_code == 304:
                    assert other.content == responses[name].content, (name, path)
                else:
                    assert other.headers["etag"] != responses[name].headers["etag"]


_PLAIN = Declared({}, {}, (frozenset({"Boss"}), frozenset({"Reader"})), {})


def _fingerprint(declared: Declared, without: str = "") -> str:
    plan = declared.registry().get("Thing")
    names = {*plan.specs, *(f"parts.{name}" for name in plan.children["parts"].fields)}
    return compile_projection(plan, frozenset(names - {without})).fingerprint


@pytest.mark.parametrize(
    "changed",
    [
        replace(_PLAIN, levels={"text": 1}),
        replace(_PLAIN, row_levels={"text": 1}),
        replace(_PLAIN, more={"note": (str, "", {})}),
        replace(_PLAIN, more={"price": (Decimal, Decimal("1.50"), {"scale": 3})}),
        replace(_PLAIN, more={"text": (str, "b", {})}),
        replace(_PLAIN, more={"text": (str | None, "a", {})}),
        replace(_PLAIN, more={"text": (int, 1, {})}),
        replace(_PLAIN, more={"day": (datetime, datetime(2026, 1, 31, tzinfo=UTC), {})}),
        replace(_PLAIN, more={"seal": (str, "AGE=", {})}),
        replace(_PLAIN, more={"tags": (list[int], [], {})}),
        replace(_PLAIN, more={"key": (UUID | None, None, {"link": "Thing"})}),
        replace(_PLAIN, more={"mapping": (dict[str, Any], {"a": None, "b": 1.5, "c": 1}, {})}),
    ],
    ids=[
        "level",
        "level of a row",
        "field",
        "scale",
        "default",
        "nullable",
        "kind",
        "moment",
        "text",
        "items",
        "link",
        "default of JSON",
    ],
)
def test_another_shape_is_another_fingerprint(changed: Declared) -> None:
    assert _fingerprint(_PLAIN) == _fingerprint(_PLAIN)
    assert _fingerprint(changed) != _fingerprint(_PLAIN)


@pytest.mark.parametrize("hidden", ["text", "parts", "parts.text"])
def test_a_hidden_field_is_another_fingerprint_and_leaves_no_trace_in_it(hidden: str) -> None:
    assert _fingerprint(_PLAIN, without=hidden) != _fingerprint(_PLAIN)
    table, _, name = hidden.rpartition(".")
    other = replace(_PLAIN, row_levels={name: 2}) if table else replace(_PLAIN, levels={name: 2})
    assert _fingerprint(other, without=hidden) == _fingerprint(_PLAIN, without=hidden)


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_every_process_makes_the_same_fingerprint(hash_seed: str) -> None:
    program = (
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
        "from tests.http.test_one_tag import _PLAIN, _fingerprint\n"
        "print(_fingerprint(_PLAIN))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == _fingerprint(_PLAIN)


class _Deciding(RbacPermission):
    """Puts every document to the engine too."""

    async def grant(self, context: RequestContext, doctype: str, action: str) -> Grant | None:
        grant = await super().grant(context, doctype, action)
        return grant and replace(grant, evaluate=True)


async def test_what_an_engine_decides_about_is_told_apart_by_its_bytes(
    open_site: OpenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conftest, "RbacPermission", _Deciding)
    async with open_site() as site, site.client("boss") as client:
        made = await client.post("/api/v1/Sale", json={"title": "a"})
        path = made.headers["location"]
        read = await client.get(path)
        tag = f'"{read.json()["id"]}-1-{sha256(read.content).hexdigest()[:32]}"'
        assert (made.headers["etag"], read.headers["etag"]) == (tag, tag)
        assert (await client.get(path, headers={"if-none-match": tag})).status_code == 304
        assert (await client.patch(path, json={"title": "b"}, headers={"if-match": tag})).status_code == 200


async def test_titles_have_a_tag_of_their_own(site: Any) -> None:
    partner = await site.make()
    made = await site.make(partner=partner["id"])
    path = f"/api/v1/Sale/{made['id']}"
    async with site.client("boss") as client:
        plain, titled = [await client.get(path + query) for query in ("", "?titles=true")]
        assert titled.json() == {**plain.json(), "_titles": {"partner": "red"}}
        assert titled.headers["etag"] != plain.headers["etag"]
        await client.patch(f"/api/v1/Sale/{partner['id']}", json={"color": "blue"})
        again = await client.get(f"{path}?titles=true", headers={"if-none-match": titled.headers["etag"]})
        assert (again.status_code, again.json()["_titles"]) == (200, {"partner": "blue"})
        assert (await client.get(path, headers={"if-none-match": plain.headers["etag"]})).status_code == 304
