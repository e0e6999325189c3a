"""`m completion`: the scripts list what is installed, and bash completes by its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.errors import assert_names

from .conftest import Install, RunM

TOOLS = '''from cyclopts import App

tools = App(name="tools", help="Things.")


@tools.command
def greet(*, loudly: bool = False) -> None:
    """Says hello."""
'''


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_lists_every_command(run_m: RunM, install: Install, shell: str) -> None:
    install("acme_tools", TOOLS, tools="tools")
    made = run_m("completion", shell)
    assert (made.returncode, made.stderr) == (0, "")
    commands = ["config", "console", "info", "show", "doctype", "tools", "greet", "loudly"]
    assert [word for word in commands if word in made.stdout] == commands


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("co", "completion config console"),
        ("config s", "show"),
        ("tools ", "greet"),
        ("tools greet --l", "--loudly"),
        ("completion ", "bash zsh fish"),
    ],
)
def test_bash_completes(run_m: RunM, install: Install, tmp_path: Path, typed: str, offered: str) -> None:
    install("acme_tools", TOOLS, tools="tools")
    script = tmp_path / "completion.bash"
    script.write_text(run_m("completion", "bash").stdout)
    words = " ".join(f"'{word}'" for word in ["m", *typed.split(" ")])
    asked = (
        f"source {script}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _m; echo ${{COMPREPLY[*]}}"
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, timeout=30, check=True)
    assert set(offered.split()) <= set(done.stdout.split())


def test_it_is_kept_where_the_shell_looks(run_m: RunM, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    kept = run_m("completion", "bash", "--install", environment={"HOME": str(home)})
    script = home / ".local/share/bash-completion/completions/m"
    assert kept.stdout == f"completion for bash installed in {script}: open a new terminal\n"
    assert "_m()" in script.read_text()
    assert str(script) in (home / ".bashrc").read_text()


def test_a_place_that_cannot_be_written_is_said(run_m: RunM, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    refused = run_m("completion", "bash", "--install", environment={"HOME": str(tmp_path / "home")})
    assert refused.returncode == 1
    assert "could not write" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_what_is_broken_is_left_out_and_told(run_m: RunM, install: Install) -> None:
    install("broken_tools", "import nowhere\n", broken="broken")
    made = run_m("completion", "bash")
    assert made.returncode == 0
    assert "config" in made.stdout
    assert made.stderr.startswith("m: skipped: 'broken' of broken_tools points to")


def test_another_shell_is_not_known(run_m: RunM) -> None:
    refused = run_m("completion", "fihs")
    assert refused.returncode == 2
    assert_names(refused.stderr, "fihs", "fish")
