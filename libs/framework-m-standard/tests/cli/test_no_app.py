"""Commands that open the store, in a folder where there is no app: they say so and leave it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import RunM

COMMANDS = [
    "console -c 1",
    "migrate create x",
    "migrate history",
    "migrate init",
    "migrate rollback",
    "migrate run",
    "migrate status",
    "migrate verify",
    "prod",
    "start",
    "user add-role ada@example.com Administrator",
    "user create ada@example.com --role Administrator --password-stdin",
    "user disable ada@example.com",
    "user enable ada@example.com",
    "user list",
    "user set-password ada@example.com --password-stdin",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_said_and_nothing_is_made(run_m: RunM, tmp_path: Path, command: str) -> None:
    refused = run_m(*command.split(), typed="correct horse battery\n")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(f"m: there is no app in {tmp_path}: create one with `m new app shop`")
    assert list(tmp_path.iterdir()) == []
