"""Stores of ours reach core's services as anybody's do: through `spi`."""

from __future__ import annotations

from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.ratchets import against_ratchet, ratchet
from tests.architecture.source_tree import CORE, MONGO, STANDARD, Import, Module, imports, modules

STORES = {"sql", "memory", "redis", "nats"}


def check_adapter_imports(package: Path, core: str, rooms: set[str]) -> list[str]:
    """Return the imports of core from elsewhere than `spi` in these rooms, but for what starts a store."""
    looked_at = [module for module in modules(package) if module.room in rooms]
    assert looked_at, f"nothing to look at in {package}"
    return sorted(
        {
            f"{module.place}: {item.target}"
            for module in looked_at
            for item in imports(module)
            if _is_past_spi(module, item, core)
        }
    )


def _is_past_spi(module: Module, item: Import, core: str) -> bool:
    if not item.is_in(core) or item.is_in(f"{core}.spi"):
        return False
    if item.is_in(f"{core}.bootstrap.application"):
        return True  # its steps see `ApplicationView`
    return not (module.path.stem in {"startup", "settings"} and item.is_in(f"{core}.bootstrap"))


def test_our_stores_use_what_every_store_may() -> None:
    found = check_adapter_imports(STANDARD, CORE.name, STORES)
    assert against_ratchet(found, ratchet("stores_past_spi")) == []


def check_variant_imports(package: Path, core: str) -> list[str]:
    """Return the imports of core from elsewhere than `spi`."""
    return [
        f"{module.place}:{item.line}: import it from {core}.spi"
        for module in modules(package)
        for item in imports(module)
        if item.is_in(core) and not item.is_in(f"{core}.spi")
    ]


def test_a_variant_uses_what_strangers_may() -> None:
    assert check_variant_imports(MONGO, CORE.name) == []


def test_core_itself_does_not_go_through_the_spi() -> None:
    found = [module.place for module in modules(CORE) if any(one.is_in(f"{CORE.name}.spi") for one in imports(module))]
    assert found == []


def test_a_variant_that_reaches_past_the_spi_fails(package: MakePackage) -> None:
    files = {
        "startup.py": "from core.spi import y\nfrom core.bootstrap import x\n",
        "reader.py": "import core.domain\n",
    }
    assert sorted(check_variant_imports(package(files), "core")) == [
        "sample/reader.py:1: import it from core.spi",
        "sample/startup.py:2: import it from core.spi",
    ]


def test_a_store_that_reaches_past_the_spi_fails(package: MakePackage) -> None:
    files = {
        "sql/reader.py": "from core.services.rows import projection\nfrom core.spi import retry\n",
        "sql/startup.py": "from core.bootstrap import x\nfrom core.bootstrap.application import Application\n",
        "http/app.py": "from core.services import rpc\n",
    }
    assert check_adapter_imports(package(files), "core", {"sql"}) == [
        "sample/sql/reader.py: core.services.rows.projection",
        "sample/sql/startup.py: core.bootstrap.application.Application",
    ]
