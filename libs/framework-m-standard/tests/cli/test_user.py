"""`m user`, before and after the first start."""

from __future__ import annotations

import os
import pty
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from framework_m_core.bootstrap.application import open_application
from framework_m_core.interfaces.identity import IdentityProtocol
from tests.errors import assert_names

from .conftest import M, RunM

EMAIL, PASSWORD = "ada@example.com", "correct horse battery"


@pytest.fixture(autouse=True)
def _app(tmp_path: Path) -> None:
    (tmp_path / "kiosk.py").touch()
    project = '[project]\nname = "kiosk"\n[project.entry-points."framework_m.apps"]\nkiosk = "kiosk"\n'
    (tmp_path / "pyproject.toml").write_text(project)


def create(run_m: RunM, *arguments: str, typed: str = PASSWORD + "\n") -> subprocess.CompletedProcess[str]:
    return run_m("user", "create", *arguments, "--password-stdin", typed=typed)


async def is_password(folder: Path, password: str, email: str = EMAIL) -> bool:
    async with open_application(folder, environment={}) as app:
        identity: IdentityProtocol = app.container.get("identity")
        return await identity.verify_password(email, password) is not None


async def test_the_first_administrator_is_made_before_the_first_start(run_m: RunM, tmp_path: Path) -> None:
    made = create(run_m, EMAIL, "--role", "Administrator", "--full-name", "Ada")
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == "created ada@example.com with the role Administrator\n"
    assert await is_password(tmp_path, PASSWORD)
    assert run_m("user", "list").stdout == "ada@example.com  enabled  Administrator\n"


def test_an_empty_store_says_how_to_begin(run_m: RunM) -> None:
    assert run_m("user", "list").stdout == (
        "there are no users yet: m user create ada@example.com --role Administrator\n"
    )


def test_several_roles(run_m: RunM) -> None:
    made = create(run_m, EMAIL, "--role", "Administrator", "--role", "Guest")
    assert made.stdout == "created ada@example.com with the roles Administrator, Guest\n"
    assert create(run_m, "eve@example.com").stdout == "created eve@example.com without a role\n"


@pytest.mark.parametrize(
    ("arguments", "typed", "message"),
    [
        ([EMAIL], "short\n", "expected a password of 8 to 1024 characters, got 5"),
        ([EMAIL], "", "expected a password of 8 to 1024 characters, got 0"),
        (["ada"], PASSWORD, "the document is not valid; email: expected an email address"),
        (
            [EMAIL, "--role", "Pilot"],
            PASSWORD,
            "expected existing roles, got 'Pilot': known are",
        ),
    ],
)
def test_what_cannot_be_made_is_said(run_m: RunM, arguments: list[str], typed: str, message: str) -> None:
    refused = create(run_m, *arguments, typed=typed)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"m: {message}")
    assert len(refused.stderr.splitlines()) == 1


def test_an_address_that_is_missing_is_asked_for(run_m: RunM) -> None:
    refused = run_m("user", "create")
    [told] = refused.stderr.splitlines()
    assert refused.returncode == 2
    assert_names(told, "m", "`m user create EMAIL …`", "email", "`m user create --help`")


def test_an_address_is_taken_once(run_m: RunM) -> None:
    create(run_m, EMAIL)
    refused = create(run_m, "ADA@example.com")
    [told] = refused.stderr.splitlines()
    assert refused.returncode == 1
    assert_names(told, "m", "user ada@example.com", "exists")


def test_more_than_one_line_is_no_password(run_m: RunM) -> None:
    refused = create(run_m, EMAIL, typed=f"{PASSWORD}\nexport PATH\n")
    [told] = refused.stderr.splitlines()
    assert refused.returncode == 1
    assert_names(told, "m", "one line", "password", "standard input")
    assert run_m("user", "list").stdout.startswith("there are no users yet")


async def test_a_user_is_changed(run_m: RunM, tmp_path: Path) -> None:
    create(run_m, EMAIL)
    given = run_m("user", "add-role", EMAIL, "Administrator")
    assert given.stdout == "ada@example.com is now a user with the role Administrator\n"
    changed = run_m("user", "set-password", EMAIL, "--password-stdin", typed="another long one\r\n")
    assert changed.stdout == "ada@example.com has a new password; all sessions were ended\n"
    assert await is_password(tmp_path, "another long one")
    assert not await is_password(tmp_path, PASSWORD)
    assert run_m("user", "disable", EMAIL).stdout == "ada@example.com is disabled; all sessions were ended\n"
    assert run_m("user", "list").stdout == "ada@example.com  disabled  Administrator\n"
    assert not await is_password(tmp_path, "another long one")
    assert run_m("user", "enable", EMAIL).stdout == "ada@example.com is enabled\n"
    assert await is_password(tmp_path, "another long one")


def test_attributes_feed_row_scopes(run_m: RunM) -> None:
    assert create(run_m, EMAIL, "--attribute", "branch=North", "--attribute", "team=Red").returncode == 0
    changed = run_m("user", "set-attribute", EMAIL, "branch=East", "branch = A = B")
    assert changed.stdout == "ada@example.com has the attributes branch=East branch=A = B team=Red\n"
    assert run_m("user", "set-attribute", EMAIL, "branch=", "team=").stdout == "ada@example.com has no attributes\n"


def test_a_terminal_obeys_no_attribute(run_m: RunM) -> None:
    assert create(run_m, EMAIL).returncode == 0
    changed = run_m("user", "set-attribute", EMAIL, "branch=\x1b[31mNorth\a")
    assert changed.stdout == "ada@example.com has the attributes branch=\\x1b[31mNorth\\x07\n"


@pytest.mark.parametrize("command", [["info"], ["user", "list"], ["start", "--no-reload", "--port", "0"]])
@pytest.mark.parametrize("secret", ["hunter/2", "hunt#er2", "hunt?er2"])
def test_no_part_of_a_malformed_address_is_shown(run_m: RunM, command: list[str], secret: str) -> None:
    url = f"postgresql://ada:{secret}@127.0.0.1:5432/crm"
    for options in ([], ["--debug"]):
        shown = run_m(*command, *options, variables={"DATABASE_URL": url})
        assert "hunt" not in shown.stdout + shown.stderr, options


@pytest.mark.parametrize("wrong", ["branch", "=North", ""])
def test_what_is_no_attribute_is_said(run_m: RunM, wrong: str) -> None:
    refused = run_m("user", "set-attribute", EMAIL, wrong)
    [told] = refused.stderr.splitlines()
    assert refused.returncode == 1
    assert_names(told, "m", "attribute", "branch=North", repr(wrong))


@pytest.mark.parametrize(
    "command", [["disable"], ["enable"], ["add-role"], ["set-attribute"], ["set-password", "--password-stdin"]]
)
def test_an_unknown_user_is_said(run_m: RunM, command: list[str]) -> None:
    name, *options = command
    role = {"add-role": ["Administrator"], "set-attribute": ["branch=North"]}.get(name, [])
    refused = run_m("user", name, EMAIL, *role, *options, typed=PASSWORD)
    [told] = refused.stderr.splitlines()
    assert refused.returncode == 1
    assert_names(told, "m", "user 'ada@example.com'", "`m user list`")


def test_without_a_terminal_the_password_must_be_given(run_m: RunM) -> None:
    refused = run_m("user", "create", EMAIL)
    assert refused.returncode == 1
    assert_names(refused.stderr, "password", "terminal", "--password-stdin")


@pytest.mark.parametrize(
    ("second", "code", "message"),
    [(PASSWORD, 0, "created ada@example.com"), ("something else", 1, "the two passwords differ")],
)
async def test_a_terminal_is_asked_twice_and_shows_nothing(
    tmp_path: Path, environment: dict[str, str], second: str, code: int, message: str
) -> None:
    responses = {"Password: ": PASSWORD, "Repeat password: ": second}
    shown, returned = at_a_terminal(tmp_path, environment, responses)
    assert returned == code
    assert message in shown
    assert PASSWORD not in shown
    assert await is_password(tmp_path, PASSWORD) is (code == 0)


def at_a_terminal(folder: Path, environment: dict[str, str], responses: dict[str, str]) -> tuple[str, int]:
    """What `m user create` shows at a terminal where its prompts are answered, and its exit code."""
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        [M, "user", "create", EMAIL], cwd=folder, env=environment, stdin=terminal, stdout=terminal, stderr=terminal,
        start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    shown = b""
    for prompt, response in responses.items():
        while prompt.encode() not in shown:
            shown += os.read(keyboard, 1024)
        os.write(keyboard, f"{response}\n".encode())
    with suppress(OSError):  # the terminal is gone with the process
        while chunk := os.read(keyboard, 1024):
            shown += chunk
    os.close(keyboard)
    return shown.decode(), process.wait(30)


def test_production_needs_its_secrets(run_m: RunM) -> None:
    refused = run_m("user", "list", variables={"M_FRAMEWORK__ENV": "production"})
    assert refused.returncode == 2
    assert_names(refused.stderr.splitlines(), "[auth] secret", "M_AUTH__SECRET")


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ada:hunter22@127.0.0.1:1/app",
        "postgresql://127.0.0.1:1/app?user=ada&password=hunter22",
        "postgresql://ada:hunter22/x@127.0.0.1:1/app",
        "postgresql://ada:1@x:hunter22@127.0.0.1:1/app",
    ],
)
def test_a_store_that_is_away_is_said_without_its_password(run_m: RunM, address: str) -> None:
    refused = run_m("user", "list", variables={"DATABASE_URL": address})
    assert refused.returncode == 2
    assert_names(refused.stderr, "PostgreSQL", "reached")
    assert "hunter22" not in refused.stderr


def test_an_address_that_is_none_is_not_repeated(run_m: RunM) -> None:
    refused = run_m("user", "list", variables={"DATABASE_URL": "ada:hunter22@127.0.0.1/app"})
    assert refused.returncode == 2
    assert_names(refused.stderr, "database address", "sqlite:///path/to/file.db")
    assert "hunter22" not in refused.stderr
