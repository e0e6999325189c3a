"""`m adapter check`: what is wrong with the adapters of an installed package, found without opening them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from .conftest import Run, is_one_line

CACHE = '''
    """A cache."""

    class Cache:
        def __init__(self, clock, acme_settings): ...
        async def get(self, key): ...
        async def set(self, key, value, ttl=None): ...
        async def delete(self, key): ...
        async def exists(self, key): ...
        async def get_many(self, keys): ...
        async def set_many(self, values, ttl=None): ...
        async def delete_pattern(self, pattern): ...
        async def ttl(self, key): ...

    class Forgetful(Cache):
        delete = None

    class Blocking(Cache):
        def get(self, key): ...

    class Renaming(Cache):
        async def set(self, key, content, ttl=None): ...

    class Demanding(Cache):
        def __init__(self, clok, postbox): ...

    class Step:
        order = 20
        async def run(self, application): ...

    instance = "text"
'''
SETTINGS = '''
    """Section [acme]."""

    from pydantic import BaseModel

    class Settings(BaseModel):
        size: int = 7
'''
SECTION = {"framework_m.settings": {"acme": "acme_settings:Settings"}}


def install(folder: Path, name: str, groups: dict[str, dict[str, str]]) -> dict[str, str]:
    """Write an installed package into a folder; return the variables under which Python finds it."""
    (folder / "acme_adapters.py").write_text(dedent(CACHE))
    (folder / "acme_settings.py").write_text(dedent(SETTINGS))
    about = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [
        line for group, points in groups.items() for line in (f"[{group}]", *(f"{n}={v}" for n, v in points.items()))
    ]
    (about / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return {"PYTHONPATH": str(folder)}


def adapter(value: str, port: str = "cache") -> dict[str, dict[str, str]]:
    return {f"framework_m.adapters.{port}": {"acme": value}}


def test_an_adapter_that_fits_its_port_is_ok(run: Run, tmp_path: Path) -> None:
    variables = install(tmp_path, "acme-cache", {**SECTION, **adapter("acme_adapters:Cache")})
    checked = run("m", "adapter", "check", "acme_cache", variables=variables)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.splitlines()[1].split() == ["cache", "acme", "acme_adapters:Cache", "ok"]


@pytest.mark.parametrize(
    ("groups", "named"),
    [
        (adapter("acme_adapters:Forgetful"), ["cache acme", "delete(key)"]),
        (adapter("acme_adapters:Blocking"), ["async def get"]),
        (adapter("acme_adapters:Renaming"), ["set(key, content, ttl=…)", "set(key, value, ttl=…)"]),
        (adapter("acme_adapters:Demanding"), ["'clok'", "'clock'", "'postbox'"]),
        (adapter("acme_adapters:Missing"), ["acme_adapters:Missing"]),
        (adapter("acme_nowhere:Cache"), ["acme_nowhere"]),
        (adapter("acme_adapters:instance"), ["str"]),
        (adapter("acme_adapters:Cache", "cash"), ["'cash'", "'cache'"]),
        (
            {"framework_m.ports": {"rates": "acme_nowhere:Rates"}, **adapter("acme_adapters:Cache", "rates")},
            ["acme_nowhere:Rates"],
        ),
        (adapter("acme_adapters:Cache", "outbox"), ["reader of 'acme'", "unit_of_work of 'acme'"]),
        ({"framework_m.adapters.cache": {"default": "acme_adapters:Cache"}}, ["framework-m-standard", "'default'"]),
        ({"framework_m.variants": {"acme": "acme_adapters:instance"}}, ["variant acme", "'adapters'"]),
    ],
)
def test_each_error_is_named(run: Run, tmp_path: Path, groups: dict[str, dict[str, str]], named: list[str]) -> None:
    variables = install(tmp_path, "acme-cache", {**SECTION, **groups})
    checked = run("m", "adapter", "check", "acme-cache", variables=variables)
    assert checked.returncode == 1
    errors = [line for line in checked.stdout.splitlines() if line.startswith("error: ")]
    assert [name for name in named if not any(name in error for error in errors)] == []


def test_what_a_step_of_the_adapter_binds_is_no_error(run: Run, tmp_path: Path) -> None:
    steps = {"framework_m.bootstrap.cache.acme": {"acme": "acme_adapters:Step"}}
    variables = install(tmp_path, "acme-cache", {**SECTION, **steps, **adapter("acme_adapters:Demanding")})
    checked = run("m", "adapter", "check", "acme-cache", variables=variables)
    assert checked.returncode == 0
    assert [line.split()[0] for line in checked.stdout.splitlines()[2:]] == ["note:", "note:"]


def test_a_package_that_offers_nothing_is_refused(run: Run, tmp_path: Path) -> None:
    variables = install(tmp_path, "acme-cache", adapter("acme_adapters:Cache"))
    refused = run("m", "adapter", "check", "acme-cash", variables=variables)
    assert refused.returncode == 2
    assert is_one_line(refused)
    assert "'acme-cache'" in refused.stderr
