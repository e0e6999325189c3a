"""`m` itself: quick help, installed commands, and errors that a person can read."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from framework_m_core.cli.main import main
from tests.errors import assert_names

from .conftest import Install, M, RunM

HEAVY = ("pydantic", "dependency_injector", "structlog", "sqlalchemy", "litestar", "uvicorn", "argon2", "asyncio")


def test_help_lists_the_commands_with_what_they_do(run_m: RunM) -> None:
    shown = run_m("--help")
    assert shown.returncode == 0
    assert "m user create ada@example.com --role Administrator" in shown.stdout
    expected = {"config": "Show effective settings", "info": "Show what is installed, bound and declared"}
    lines = shown.stdout.splitlines()
    listed = {name: text for name, text in expected.items() if any(name in line and text in line for line in lines)}
    assert listed == expected
    assert run_m().stdout == shown.stdout


def test_help_imports_nothing_heavy() -> None:
    command: list[str | Path] = [sys.executable, "-X", "importtime", M, "--help"]
    traced = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stderr
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in traced.splitlines()}
    assert "cyclopts" in imported
    assert imported.isdisjoint(HEAVY)


def test_the_version_is_ours(run_m: RunM) -> None:
    assert run_m("--version").stdout.strip() == version("framework-m-core")
    assert run_m("-v").stdout == run_m("--version").stdout


def test_help_is_a_word_too(run_m: RunM) -> None:
    assert run_m("help").stdout == run_m("--help").stdout
    assert run_m("help", "config", "show").stdout == run_m("config", "show", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inof"], "there is no command `m inof`: did you mean `m info`?; see `m --help`"),
        (["config", "shw"], "there is no command `m config shw`: did you mean `m config show`?; see `m config --help`"),
        (["runserver"], "there is no command `m runserver`: did you mean `m start`?; see `m --help`"),
        (["--hlep"], "there is no option `m --hlep`: did you mean `m --help`?; see `m --help`"),
        (["--xyz"], "there is no option `m --xyz`; see `m --help`"),
        (
            ["info", "doctyp", "X"],
            "`m info`: unexpected doctyp X: did you mean `m info doctype`?; see `m info --help`",
        ),
        (["info", "--verbos"], "Unknown option: --verbos. Did you mean --verbose?; see `m info --help`"),
        (["config", "show", "x", "y"], "`m config show`: unexpected x y; see `m config show --help`"),
    ],
)
def test_a_wrong_command_line_is_explained(run_m: RunM, arguments: list[str], message: str) -> None:
    refused = run_m(*arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == f"m: {message}\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_nobody_reads_on_is_no_failure(tmp_path: Path, unbuffered: str) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    process = subprocess.Popen(
        [M, "config", "show"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert process.wait(30) == 141


def test_windows_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(SystemExit) as refused:
        main(["start"])
    assert_names(refused.value, "m", "Linux", "macOS", "Windows")


def test_a_word_like_none_that_is_known_gets_the_list(run_m: RunM) -> None:
    refused = run_m("config", "xyz")
    assert refused.returncode == 2
    assert_names(refused.stderr, "`m config xyz`", "show", "`m config --help`")


def test_a_missing_argument_is_named(run_m: RunM) -> None:
    refused = run_m("info", "doctype")
    assert refused.returncode == 2
    [told] = refused.stderr.splitlines()
    assert_names(told, "m", "`m info doctype NAME …`", "name", "`m info doctype --help`")


COMMANDS = '''"""`m tools`: what the plug-in brings."""

raise_at_import = 0

from cyclopts import App
from framework_m_core.domain.errors import ConfigurationError, EntityNotFoundError, FieldError, ValidationError

tools = App(name="tools")


@tools.command
def greet(name: str = "you") -> None:
    print(f"hello {name}")


async def later() -> int:
    """Does it later.

    And says so.
    """
    return 7


def fail(how: str) -> None:
    match how:
        case "missing":
            raise EntityNotFoundError("there is no such thing: make one")
        case "invalid":
            raise ValidationError("not valid", [FieldError("a", "x", "is odd"), FieldError("b", "x", "is even")])
        case "config":
            raise ConfigurationError("cannot start:", ["first", "second"])
        case "interrupt":
            raise KeyboardInterrupt
    raise RuntimeError(f"nobody\\nforesaw {how}")
'''


@pytest.fixture
def _commands(install: Install) -> None:
    install("acme_tools", COMMANDS, tools="tools", later="later", fail="fail")


@pytest.mark.usefixtures("_commands")
def test_installed_commands_stand_beside_ours(run_m: RunM) -> None:
    shown = run_m("--help").stdout
    assert "What the plug-in brings." in shown
    assert "Does it later." in shown
    assert run_m("tools", "greet", "Ada").stdout == "hello Ada\n"
    assert run_m("later").returncode == 7


@pytest.mark.usefixtures("_commands")
@pytest.mark.parametrize(
    ("how", "code", "message"),
    [
        ("missing", 1, "m: there is no such thing: make one\n"),
        ("invalid", 1, "m: not valid; a: is odd; b: is even\n"),
        ("config", 2, "m: cannot start:\n  - first\n  - second\n"),
        ("interrupt", 130, ""),
        ("it", 1, "m: unexpected RuntimeError: nobody foresaw it (run the command again with --debug to see where)\n"),
    ],
)
def test_a_failure_is_a_line_without_a_trace(run_m: RunM, how: str, code: int, message: str) -> None:
    failed = run_m("fail", how)
    assert (failed.returncode, failed.stdout, failed.stderr) == (code, "", message)


@pytest.mark.usefixtures("_commands")
def test_debug_shows_the_trace(run_m: RunM) -> None:
    failed = run_m("fail", "it", "--debug")
    assert failed.returncode == 1
    assert "Traceback" in failed.stderr
    assert "acme_tools.py" in failed.stderr


@pytest.mark.parametrize("options", [[], ["--debug"]])
def test_debug_hides_what_is_secret_and_what_a_terminal_obeys(
    run_m: RunM, install: Install, options: list[str]
) -> None:
    raising = "def fail():\n    raise RuntimeError('postgresql://ada:hunter' + '2@db/crm ' + chr(27) + '[31m')\n"
    install("acme_tools", raising, fail="fail")
    failed = run_m("fail", *options)
    assert failed.returncode == 1
    assert [text in failed.stderr for text in ("hunter2", "\x1b", "ada:***@db")] == [False, False, True]


def test_a_command_shows_all_that_its_docstring_says(run_m: RunM, install: Install) -> None:
    install("acme_tools", COMMANDS, later="later")
    assert "And says so." in run_m("later", "--help").stdout


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nowhere\n\ndef broken(): ...\n", "No module named 'nowhere'"),
        ("def broken(:\n", "SyntaxError"),
        ("raise RuntimeError('not today')\n", "RuntimeError: not today"),
        ("def other(): ...\n", "has no attribute 'broken'"),
    ],
)
def test_a_broken_plug_in_breaks_its_own_command_alone(run_m: RunM, install: Install, source: str, said: str) -> None:
    install("broken_tools", source, broken="broken")
    install("acme_tools", COMMANDS, tools="tools")
    assert "broken" in run_m("--help").stdout
    assert run_m("tools", "greet").stdout == "hello you\n"
    for arguments in (["broken"], ["broken", "--help"]):
        failed = run_m(*arguments)
        assert (failed.returncode, failed.stdout) == (2, ""), arguments
        assert failed.stderr.startswith("m: 'broken' of broken_tools points to 'broken_tools:broken'"), arguments
        assert said in failed.stderr, arguments
        assert "Traceback" not in failed.stderr, arguments


def test_a_package_that_breaks_when_it_is_looked_at(run_m: RunM, plugins: Path) -> None:
    (plugins / "bad").mkdir()
    (plugins / "bad/__init__.py").write_text("1 / 0\n")
    (plugins / "bad-1.0.dist-info").mkdir()
    (plugins / "bad-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: bad\nVersion: 1.0\n")
    points = "[framework_m.cli_commands]\nworse = bad.cli:app\n"
    (plugins / "bad-1.0.dist-info/entry_points.txt").write_text(points)
    assert "(from bad, failed to load: ModuleNotFoundError)" in run_m("--help").stdout
    assert run_m("config", "show").returncode == 0
    assert_names(run_m("worse").stderr, "'worse' of bad", "'bad.cli:app'")


def test_what_is_no_command_is_said(run_m: RunM, install: Install) -> None:
    install("odd_tools", "odd = 7\n", odd="odd")
    refused = run_m("odd")
    assert refused.returncode == 2
    [told] = refused.stderr.splitlines()
    assert_names(told, "m", "`m odd` of odd_tools", "function", "cyclopts App", "odd_tools:odd")


def test_a_distribution_adds_to_a_command_of_another(run_m: RunM, install: Install) -> None:
    source = (
        'def unset(key: str) -> None:\n    """Takes a setting out.\n\n    And tells."""\n    print("without", key)\n'
    )
    install("acme_config", source, group="framework_m.cli_commands.config", unset="unset")
    assert "Takes a setting out." in run_m("config", "--help").stdout
    assert "And tells." in run_m("config", "unset", "--help").stdout
    assert run_m("config", "unset", "http.port").stdout == "without http.port\n"
    assert run_m("config", "show").returncode == 0
    install("rude_config", "def show(): ...\n", group="framework_m.cli_commands.config", show="show")
    refused = run_m("config", "show")
    [told] = refused.stderr.splitlines()
    assert_names(told, "m", "framework-m-core", "rude_config", "`m config show`", "uninstall")


def test_words_after_two_dashes_are_the_commands(run_m: RunM, install: Install) -> None:
    install("echo_tools", "def echo(*words: str) -> None:\n    print(words)\n", echo="echo")
    assert run_m("echo", "--", "--debug", "x").stdout == "('--debug', 'x')\n"


def test_two_plug_ins_cannot_bring_one_command(run_m: RunM, install: Install) -> None:
    for name in ("first", "second"):
        install(name, "def fly(): ...\n", fly="fly")
    refused = run_m("--help")
    assert refused.returncode == 2
    assert_names(refused.stderr, "first", "second", "`m fly`", "uninstall")
