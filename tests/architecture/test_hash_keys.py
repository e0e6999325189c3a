"""Nothing is looked up by what callers choose the hash of: ids and numbers become text or bytes by `hash_key` first."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import CORE, MONGO, STANDARD, Module, modules

ROOMS = {"domain", "registry", "services", "sql", "memory", "http", "auth"}
HASHED = {
    "dict", "Mapping", "MutableMapping", "OrderedDict", "defaultdict", "Counter", "ChainMap", "WeakKeyDictionary",
    "set", "frozenset", "Set", "MutableSet", "AbstractSet", "KeysView", "Overlay",
}  # fmt: skip
UNSEEDED = {"UUID", "int", "float", "complex", "Decimal", "datetime", "timedelta", "Any", "object"}
"""Types whose hash holds no secret, or may be of one that has none."""

LOOK_UPS = {"get", "setdefault", "pop", "add", "discard", "remove", "fromkeys"}

OURS = {
    "framework_m_core/domain/fields/spec.py: dict[Any, FieldKind]": "types",
    "framework_m_core/domain/documents/meta.py: Mapping[int, FieldLevel]": "declared levels",
    "framework_m_core/registry/compilation/builder.py: Mapping[Any, Dependencies]": "functions and controllers",
    "framework_m_core/registry/compilation/builder.py: dict[Any, Dependencies]": "functions and controllers",
    "framework_m_core/registry/compilation/consumers.py: Mapping[Any, Dependencies]": "functions and controllers",
    "framework_m_core/registry/derived.py: dict[Any, Any]": "our own caches",
    "framework_m_core/registry/compilation/endpoints.py: frozenset[Any]": "types",
    "framework_m_core/registry/compilation/event_types.py: set[Any]": "types",
    "framework_m_core/registry/registry.py: Mapping[Any, Dependencies]": "functions and controllers",
    "framework_m_core/services/events/lanes.py: dict[int, Entry]": "places that the store counts",
    "framework_m_core/services/events/progress.py: dict[int, SetAside]": "places that the store counts",
    "framework_m_core/services/events/progress.py: dict[str, set[int]]": "places that the store counts",
    "framework_m_core/services/events/progress.py: set[int]": "places that the store counts",
    "framework_m_core/services/permissions/service.py: dict[tuple[int, int], _Bound]": "addresses of objects",
    "framework_m_core/services/queries/point_reads.py: dict[tuple[int, bool], tuple[Grant, PointRead | None]]": "ours",
    "framework_m_standard/auth/rbac.py: Mapping[int, FieldLevel]": "declared levels",
    "framework_m_standard/http/app_routes/injection.py: Mapping[Any, Callable[..., Any]]": "types",
    "framework_m_standard/memory/engine/database.py: dict[int, EventRecord]": "places that the store counts",
    "framework_m_standard/memory/engine/database.py: dict[int, SetAside]": "places that the store counts",
    "framework_m_standard/memory/engine/transaction.py: Overlay[Any, Any]": "overlays, whose keys have a bound",
    "framework_m_standard/memory/engine/transaction.py: Overlay[Any, UUID]": "overlays, whose keys have a bound",
    "framework_mx_mongo/consumers.py: dict[int, StoredEvent]": "places that the store counts",
    "framework_mx_mongo/consumers.py: dict[int, int]": "places that the store counts",
    "framework_m_standard/sql/statements/framework.py: Mapping[int, FieldSpec]": "places of parameters",
    "framework_m_standard/sql/migrations/autogenerate/rendering.py: dict[type[Any], Callable[[Any], str]]": "types",
}
"""What is keyed by something else than a caller's value, with what it is keyed by."""

TEXTS = {"revision.id", "principal.id"}
"""What is called an id and is text; in migrations every id is."""


def check_hash_keys(*packages: Path, rooms: set[str] | None = ROOMS) -> list[str]:
    """Dicts, sets and kept results keyed by ids or numbers, in some rooms or in all."""
    return [
        f"{module.place}:{line}: {error}"
        for module in modules(*packages)
        if rooms is None or module.room in rooms
        for line, error in sorted({*_annotated(module), *_looked_up(module), *_kept(module)})
    ]


def _annotated(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        match node:
            case ast.Subscript(value=ast.Name(id=name), slice=inside) if name in HASHED:
                key = inside.elts[0] if isinstance(inside, ast.Tuple) and inside.elts else inside
                text = ast.unparse(node)
                if _names(key) & UNSEEDED and f"{module.place}: {text}" not in OURS:
                    yield node.lineno, f"{text} is keyed by what callers may choose: key it by HashKey"


def _looked_up(module: Module) -> Iterator[tuple[int, str]]:
    if "/migrations/" in module.place:
        return
    awaited = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Await)}
    for node in ast.walk(module.tree):
        for key in () if id(node) in awaited else _key_expressions(node):
            if _is_id(key):
                yield key.lineno, f"{ast.unparse(key)} is a key here: hash_key({ast.unparse(key)})"


def _key_expressions(node: ast.AST) -> Iterator[ast.expr]:
    """What a node hashes."""
    match node:
        case ast.DictComp(key=key) | ast.SetComp(elt=key):
            yield key
        case ast.Dict(keys=keys):
            yield from (key for key in keys if key is not None)
        case ast.Set(elts=keys):
            yield from keys
        case ast.Subscript(slice=key):
            yield key
        case ast.Call(func=ast.Attribute(attr=name), args=[key, *_]) if name in LOOK_UPS:
            yield key
        case ast.Call(func=ast.Name(id="set" | "frozenset"), args=[ast.GeneratorExp(elt=key)]):
            yield key
    if isinstance(node, ast.Dict | ast.Set | ast.DictComp | ast.SetComp | ast.Subscript | ast.Call):
        for key in [part for found in _tuples(node) for part in found.elts]:
            yield key


def _tuples(node: ast.AST) -> Iterator[ast.Tuple]:
    """Tuples that are keys of a node: each of their parts is hashed."""
    match node:
        case ast.DictComp(key=ast.Tuple() as key) | ast.SetComp(elt=ast.Tuple() as key):
            yield key
        case ast.Call(func=ast.Attribute(attr=name), args=[ast.Tuple() as key, *_]) if name in LOOK_UPS:
            yield key


def _is_id(key: ast.expr) -> bool:
    """Whether an expression is, by its name, the id of a document, a row, an event or a caller."""
    if ast.unparse(key) in TEXTS:
        return False
    match key:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name == "id" or name.endswith("_id")
    return False


def _kept(module: Module) -> Iterator[tuple[int, str]]:
    """Functions whose results are kept by their arguments."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef) and any(map(_is_cache, node.decorator_list)):
            for argument in node.args.args:
                if argument.annotation is not None and _names(argument.annotation) & UNSEEDED:
                    yield node.lineno, f"{node.name} is kept by {argument.arg}: key it by text"


def _is_cache(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called).rpartition(".")[2] in {"cache", "lru_cache"}


def _names(node: ast.expr) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def test_nothing_is_keyed_by_ids_or_numbers() -> None:
    assert check_hash_keys(CORE, STANDARD) == []
    assert check_hash_keys(MONGO, rooms=None) == []


def test_what_is_excepted_is_there() -> None:
    sources = {module.place: ast.unparse(module.tree) for module in modules(CORE, STANDARD, MONGO)}
    assert [one for one in OURS if one.partition(": ")[2] not in sources.get(one.partition(": ")[0], "")] == []


def test_every_way_of_keying_fails(package: MakePackage) -> None:
    bad = {
        "services/a.py": "known: dict[UUID, str] = {}\n",
        "services/b.py": "seen: set[tuple[str, int]] = set()\n",
        "services/c.py": "rows = {row['id']: row for row in found}\n",
        "services/d.py": "gone = {row.id for row in found}\n",
        "services/e.py": "seen.add(event.document_id)\n",
        "services/f.py": "rows[given['id']] = 1\n",
        "services/g.py": "entries.setdefault((doctype, document_id), [])\n",
        "services/h.py": "@lru_cache(maxsize=10)\ndef read(plan: Plan, value: Decimal) -> str: ...\n",
        "memory/i.py": "def rows() -> Overlay[UUID, Row]: ...\n",
        "sql/j.py": "ids = frozenset(row.id for row in rows)\n",
    }
    fine = {
        "services/fine.py": "rows: dict[HashKey, Row] = {hash_key(row['id']): row for row in found}\n",
        "services/stored.py": "async def f(): return await repository.get(session_id)\n",
        "cli/elsewhere.py": "known: dict[int, str] = {}\n",
    }
    folder = package({**bad, **fine})
    assert sorted({one.split(":")[0] for one in check_hash_keys(folder)}) == sorted(f"sample/{path}" for path in bad)
