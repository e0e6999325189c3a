"""Stores of ours reach core's services as anybody's do: through `spi`."""

from __future__ import annotations

from pathlib import Path

from tests.architecture.conftest import MakePackage
from tests.architecture.source_tree import CORE, STANDARD, imports, modules

STORES = {"sql", "memory"}
PATCHES_WRITE_DOCUMENTS = f"{CORE.name}.services.documents.service.DocumentService"
"""What a migration's patch is given to work with, as an app is."""


def check_adapter_imports(package: Path, core: str, rooms: set[str]) -> list[str]:
    """Return the imports of core's services from these rooms."""
    looked_at = [module for module in modules(package) if module.room in rooms]
    assert looked_at, f"nothing to look at in {package}"
    return [
        f"{module.place}:{item.line}: import it from {core}.spi"
        for module in looked_at
        for item in imports(module)
        if item.is_in(f"{core}.services") and item.target != PATCHES_WRITE_DOCUMENTS
    ]


def test_our_stores_use_what_every_store_may() -> None:
    assert check_adapter_imports(STANDARD, CORE.name, STORES) == []


def test_core_itself_does_not_go_through_the_spi() -> None:
    found = [module.place for module in modules(CORE) if any(one.is_in(f"{CORE.name}.spi") for one in imports(module))]
    assert found == []


def test_a_store_that_reaches_into_services_fails(package: MakePackage) -> None:
    folder = package({"sql/reader.py": "from core.services.queries import projection\nfrom core.spi import retry\n"})
    assert check_adapter_imports(folder, "core", {"sql"}) == ["sample/sql/reader.py:1: import it from core.spi"]
