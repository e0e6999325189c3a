"""`m console`: code that is given, code that is typed, and who it works as."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import pytest

from framework_m_core.bootstrap.application import open_application
from framework_m_core.domain.context import make_system_context
from framework_m_core.interfaces.audit_log import AuditLogProtocol
from tests.errors import assert_names

from .conftest import M, RunM

APP = '''
from framework_m import DocType


class Note(DocType):
    """What somebody wants to remember."""

    text: str

    class Meta:
        naming = "NOTE-.#"
        permissions = {"read": ["Writer"], "create": ["Writer"]}
'''
CREATE = 'print((await documents.create("Note", {"text": "milk"}))["name"])'


@pytest.fixture(autouse=True)
def _app(tmp_path: Path) -> None:
    (tmp_path / "notes.py").write_text(APP)
    project = '[project]\nname = "notes"\n[project.entry-points."framework_m.apps"]\nnotes = "notes"\n'
    (tmp_path / "pyproject.toml").write_text(project)


def create_writer(run_m: RunM) -> None:
    made = run_m("user", "create", "ada@example.com", "--role", "Writer", "--password-stdin", typed="a long password")
    assert made.returncode == 0, made.stderr


def test_code_is_run_and_its_changes_stay(run_m: RunM) -> None:
    made = run_m("console", "-c", CREATE)
    assert (made.returncode, made.stdout, made.stderr) == (0, "NOTE-1\n", "")
    read = run_m("console", typed='for note in (await documents.list("Note")).items:\n    print(note["text"])\n')
    assert (read.returncode, read.stdout) == (0, "milk\n")


def test_everything_is_at_hand(run_m: RunM) -> None:
    code = (
        "print(Note.__name__, 'Note' in doctypes, registry.get('Note').name, app.settings.root.name, queries, context)"
    )
    shown = run_m("console", "-c", code)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("Note True Note ")
    assert "reason='m console'" in shown.stdout


def test_the_system_has_a_reason_and_a_user_is_limited(run_m: RunM) -> None:
    create_writer(run_m)
    as_ada = ("console", "--as", "ADA@example.com", "-c")
    assert run_m("console", "-c", CREATE, "--reason", "ticket 42").stdout == "NOTE-1\n"
    assert run_m(*as_ada, 'print((await documents.list("Note")).items)').stdout == "[]\n"
    assert run_m(*as_ada, CREATE).stdout == "NOTE-2\n"
    refused = run_m(*as_ada, 'await documents.delete("Note", "NOTE-2")')
    [told] = refused.stderr.splitlines()
    assert refused.returncode == 1
    assert_names(told, "m", "delete", "Note")
    run_m("user", "disable", "ada@example.com")
    assert "ada@example.com is disabled" in run_m(*as_ada, CREATE).stderr


async def test_a_reason_is_audited(run_m: RunM, tmp_path: Path) -> None:
    code = 'print((await documents.create("Note", {"text": "milk"}))["id"])'
    made = run_m("console", "-c", code, "--reason", "ticket 42").stdout.strip()
    async with open_application(tmp_path, environment={}) as app:
        audit_log: AuditLogProtocol = app.container.get("audit_log")
        (entry,) = await audit_log.list_entries(make_system_context("a test", source="cli"), "Note", UUID(made))
    assert (entry.actor, entry.reason, entry.source) == ("system", "ticket 42", "cli")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-c", "print("], 1, "expected valid Python: '(' was never closed (<console>, line 1)"),
        (
            ["-c", "nowhere"],
            1,
            "the code failed with NameError: name 'nowhere' is not defined; run it with --debug to see where",
        ),
        (["-c", 'await documents.get("Note", "x")'], 1, "there is no Note 'x'"),
        (["-c", 'await documents.get("Noet", "x")'], 1, "there is no DocType 'Noet': did you mean 'Note'?"),
        (["-c", 'documents.list("Note")'], 1, "list(…) was not awaited and has done nothing: put `await` before it"),
        (
            ["-c", 'page = documents.list("Note")'],
            1,
            "list(…) was not awaited and has done nothing: put `await` before it",
        ),
        (
            ["-c", "1", "--as", "eve@example.com"],
            1,
            "there is no user 'eve@example.com': list all users with `m user list`",
        ),
        (["-c", "1", "--reason", " "], 2, "--reason: expected a text for the audit log, got an empty one"),
    ],
)
def test_what_goes_wrong_is_a_line(run_m: RunM, arguments: list[str], code: int, message: str) -> None:
    failed = run_m("console", *arguments)
    assert (failed.returncode, failed.stdout, failed.stderr) == (code, "", f"m: {message}\n")


def test_debug_shows_where_the_code_failed(run_m: RunM) -> None:
    failed = run_m("console", "--debug", "-c", "1 / 0")
    assert 'File "<console>", line 1' in failed.stderr


def test_code_may_choose_its_exit_code(run_m: RunM) -> None:
    assert run_m("console", "-c", "exit(3)").returncode == 3
    assert run_m("console", typed="").returncode == 0


def test_a_terminal_is_asked_for_lines(tmp_path: Path, environment: dict[str, str]) -> None:
    typed = [
        CREATE,
        "await documents.get('Note', 'nowhere')",
        "nowhere",
        "documents.list('Note')",
        "for number in range(2):\n    print('line', number)\n",
        "import asyncio; print('sleeping'); await asyncio.sleep(60)",
        "\x03",
        "(await documents.list('Note')).items[0]['text']",
        "exit()",
    ]
    shown, code = at_a_terminal(tmp_path, environment, typed)
    assert code == 0
    assert "Framework M" in shown and 'documents.list("Note")' in shown
    assert "NOTE-1" in shown
    assert "EntityNotFoundError: there is no Note 'nowhere'" in shown
    assert "NameError: name 'nowhere' is not defined" in shown
    assert shown.count("list(…) was not awaited and has done nothing: put `await` before it") == 1
    assert "line 0" in shown and "line 1" in shown
    assert "interrupted" in shown
    assert "'milk'" in shown
    assert "prompt.py" not in shown, "traces begin in what was typed"


def _heed_interrupts() -> None:
    """A suite that runs in the background ignores them, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def at_a_terminal(folder: Path, environment: dict[str, str], typed: list[str]) -> tuple[str, int]:
    """What `m console` shows at a terminal where each line is typed once the prompt is there, and its exit code."""
    keyboard, terminal = pty.openpty()
    process = subprocess.Popen(
        [M, "console"], cwd=folder, env={**environment, "TERM": "dumb"}, stdin=terminal, stdout=terminal,
        stderr=terminal, start_new_session=True,
        preexec_fn=_heed_interrupts,  # noqa: PLW1509 - it only sets a signal's handler
    )  # fmt: skip
    os.close(terminal)
    shown, seen = b"", 0
    for line in typed:
        awaited = b"sleeping\r\n" if line == "\x03" else b">>> "
        while awaited not in shown[seen:]:
            shown += os.read(keyboard, 4096)
        seen = len(shown)
        if line == "\x03":
            process.send_signal(signal.SIGINT)
        else:
            os.write(keyboard, f"{line}\n".encode())
    with suppress(OSError):  # the terminal is gone with the process
        while chunk := os.read(keyboard, 4096):
            shown += chunk
    os.close(keyboard)
    return shown.decode(), process.wait(30)
