"""Requests made from the OpenAPI document of a caller, sound and unsound ones: answers are as the document says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journeys.product import Product

_SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
_SETTINGS = Path(__file__).with_name("schemathesis.toml")
CALLERS = {"sqlite": "admin", "postgres": "alice", "mariadb": "alice", "mongo": "alice"}
PHASES = {"mariadb": "fuzzing", "mongo": "fuzzing"}
"""Of the other stores, whose routes and schemas are the same, `coverage` would ask the same again."""
MIN_REQUESTS = 100
_OF_THE_CALLER = "/auth/|/User/"
"""Paths over which the caller would log itself out, or take its own roles away."""
_BEYOND_SCHEMAS = "positive_data_acceptance"
"""That a body be taken because it has the right shape: links, versions and an app's own rules say more than shapes."""


@pytest.mark.slow
def test_answers_are_as_the_document_says(fresh_product: Callable[[], Product], store: str, tmp_path: Path) -> None:
    product, caller = fresh_product(), CALLERS[store]
    product.create_users({"admin": ("Administrator",), "alice": ("Sales User",)})
    product.start()
    header = f"Authorization: Bearer {product.token(caller)}"
    command = [
        str(_SCHEMATHESIS), "--config-file", str(_SETTINGS), "run", f"{product.address}/schema/openapi.json",
        "--header", header, "--seed", "1",
        "--max-examples", "10", "--phases", PHASES.get(store, "examples,coverage,fuzzing"),
        "--generation-deterministic",
        "--exclude-path-regex", _OF_THE_CALLER, "--exclude-checks", _BEYOND_SCHEMAS, "--no-color",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, timeout=300, check=False)
    if done.returncode:
        pytest.fail(done.stdout.partition("= FAILURES =")[2][:6000] + done.stderr, pytrace=False)
    assert int(re.findall(r"(\d+) generated", done.stdout)[-1]) > MIN_REQUESTS
