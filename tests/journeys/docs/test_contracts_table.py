"""The page of contracts and adapters: made from a run, refused for a failed one, and complete."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import pytest

from framework_m_core.interfaces.ports import PORTS
from framework_m_testing.plugin.hooks import label_of
from scripts.contracts_table import PAGE, STAND_INS, contracts_page
from tests.journeys.product import ROOT

SUITES = [*ROOT.glob("libs/framework-m-standard/tests"), *ROOT.glob("libs/framework-mx-*/tests")]


def run(contract: str, adapter: str, **values: Any) -> dict[str, Any]:
    """What a report says of a contract on an adapter."""
    empty = {"passed": 9, "failed": 0, "skipped": {}, "xfailed": {}, "capabilities": None}
    return {"contract": contract, "adapter": adapter, **empty, **values}


def lines(*runs: dict[str, Any]) -> list[str]:
    return contracts_page(runs).splitlines()


READER = run("ReaderContract", "acme", capabilities=["blocking locks"])


def test_a_store_is_a_column_with_what_it_does_not_claim() -> None:
    audit = run("AuditLogContract", "acme", skipped={"test_a": "the store does not claim append-only audit log"})
    shown = lines(READER, audit, run("CounterContract", "fake", capabilities=[]))
    assert "| contract | acme |" in shown
    assert "| `ReaderContract` | yes |" in shown
    assert "| `AuditLogContract` | yes, without append-only audit log |" in shown
    assert "| `CounterContract` | no adapter |" in shown
    assert "| blocking locks | yes |" in shown
    assert "| append-only audit log | no |" in shown


def test_another_port_has_a_row_for_each_adapter_with_its_known_defects() -> None:
    shown = lines(READER, run("CacheContract", "redis"), run("CacheContract", "acme", xfailed={"test_b": "not yet"}))
    rows = ["| `CacheContract` | acme | yes, known defect: not yet |", "| `CacheContract` | redis | yes |"]
    assert [line for line in shown if "CacheContract" in line] == rows


@pytest.mark.parametrize("runs", [[READER, run("CacheContract", "acme", failed=1)], [run("CacheContract", "acme")]])
def test_a_run_that_failed_or_ran_no_store_makes_no_page(runs: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="expected a run"):
        contracts_page(runs)


def adapters() -> Iterator[tuple[str, str]]:
    """Each class that runs a contract, as the page calls its adapter."""
    known = {port.contract for port in PORTS} | {"TenantsContract"}
    for path in sorted(file for suite in SUITES for file in suite.rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            for base in node.bases if isinstance(node, ast.ClassDef) else ():
                if isinstance(node, ast.ClassDef) and (contract := ast.unparse(base)) in known:
                    yield contract, label_of(node.name, contract, [])


def test_the_page_has_every_adapter_that_is_tested() -> None:
    found = [pair for pair in adapters() if not STAND_INS.match(pair[1])]
    assert len(found) > 20
    page = PAGE.read_text(encoding="utf-8").splitlines()
    columns = next(line for line in page if line.startswith("| contract | ") and "memory" in line)
    missing = [
        (contract, adapter)
        for contract, adapter in found
        if f"| {adapter}" not in columns and not any(f"`{contract}` | {adapter}" in line for line in page)
    ]
    assert missing == [], "run `make contracts-table`"
