"""`m new adapter` and `m new mx`: a package whose tests pass as written, or a refusal that leaves nothing behind."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import pytest

from framework_m_core.interfaces.ports import find_port
from framework_m_studio.scaffolding.adapter import PORTS

from .conftest import Run, is_one_line

MADE = {"adapter": ("adapter", "acme-fast", "--port", "cache"), "mx": ("mx", "acme-fast")}
EVERY_PORT = {port: ("adapter", "acme-fast", "--port", port) for port in PORTS} | {"mx": MADE["mx"]}


@pytest.mark.slow
@pytest.mark.parametrize("kind", EVERY_PORT)
def test_its_contract_and_checks_pass(run: Run, tmp_path: Path, kind: str) -> None:
    assert run("m", "new", *EVERY_PORT[kind]).returncode == 0
    for command in (
        ["pytest", "-q", "-p", "no:cacheprovider", "-W", "error"],
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy", "."],
    ):
        done = run(*command, folder=tmp_path / "acme-fast")
        assert done.returncode == 0, (command, done.stdout, done.stderr)


@pytest.mark.parametrize("kind", MADE)
def test_the_project_declares_what_it_offers(run: Run, tmp_path: Path, kind: str) -> None:
    made = run("m", "new", *MADE[kind])
    assert (made.returncode, made.stderr) == (0, "")
    project = tomllib.loads((tmp_path / "acme-fast/pyproject.toml").read_text())["project"]
    groups = {"framework_m.adapters.cache", "framework_m.settings"}
    assert set(project["entry-points"]) == groups | ({"framework_m.variants"} if kind == "mx" else set())
    assert project["dependencies"] == ["framework-m==1.0.0" if kind == "mx" else "framework-m-core==1.0.0"]


@pytest.mark.parametrize("given", [(), ("--port",)])
def test_without_a_port_it_names_them(run: Run, given: tuple[str, ...]) -> None:
    refused = run("m", "new", "adapter", "acme-fast", *given)
    assert refused.returncode == 2
    assert is_one_line(refused)
    assert [named for named in ("--port PORT", *PORTS) if named not in refused.stderr] == []


@pytest.mark.parametrize("port", PORTS)
def test_it_declares_settings_only_if_it_has_some(run: Run, tmp_path: Path, port: str) -> None:
    assert run("m", "new", *EVERY_PORT[port]).returncode == 0
    folder = tmp_path / "acme-fast"
    points = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["entry-points"]
    has_settings = (folder / "src/acme_fast/settings.py").exists()
    assert set(points) == {f"framework_m.adapters.{port}"} | ({"framework_m.settings"} if has_settings else set())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("acme-fast", "--port", "cash"), ["'cash'", "'cache'"]),
        (("acme-fast", "--port", "outbox"), ["'outbox'", *PORTS]),
        (("Acme Fast", "--port", "cache"), ["'acme-fast'"]),
        (("framework-m-fast", "--port", "cache"), ["'framework-m-fast'"]),
    ],
)
def test_what_cannot_be_made_leaves_nothing(
    run: Run, tmp_path: Path, options: tuple[str, ...], named: list[str]
) -> None:
    refused = run("m", "new", "adapter", *options)
    assert refused.returncode == 2
    assert is_one_line(refused)
    assert [name for name in named if name not in refused.stderr] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("port", PORTS)
def test_its_adapter_has_what_the_port_demands(
    run: Run, tmp_path: Path, port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests of the written package tell more, and are slow."""
    package = f"acme_{port}_made"
    assert run("m", "new", "adapter", package.replace("_", "-"), "--port", port).returncode == 0
    monkeypatch.syspath_prepend(str(tmp_path / package.replace("_", "-") / "src"))
    module = importlib.import_module(f"{package}.adapter")
    adapter = getattr(module, "".join(word.title() for word in package.split("_")))
    declared = find_port(port)
    assert declared is not None
    demanded = [name for name in vars(declared.protocol) if not name.startswith("_")]
    assert demanded
    assert [name for name in demanded if not hasattr(adapter, name)] == []
