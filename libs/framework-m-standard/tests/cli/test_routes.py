"""`m routes` over a small app: what is served, and what a caller needs for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import RunM
from .test_info import lines

APP = '''
from framework_m import Controller, DocType, Documents, requires_permission, rpc, whitelist


class Ticket(DocType):
    """What is sold."""

    class Meta:
        submittable = True


class TicketController(Controller[Ticket]):
    @whitelist
    @requires_permission("write")
    async def stamp(self) -> None:
        """Stamps it."""


class Seat(DocType):
    """Where one sits."""


class Ledger(DocType):
    """Nobody's business."""

    class Meta:
        api_resource = False


@rpc("theatre.programme", allow_guest=True)
async def programme() -> str:
    return "Hamlet"
'''


@pytest.fixture
def _theatre(tmp_path: Path) -> None:
    (tmp_path / "theatre.py").write_text(APP)
    project = '[project]\nname = "theatre"\n[project.entry-points."framework_m.apps"]\ntheatre = "theatre"\n'
    (tmp_path / "pyproject.toml").write_text(project)


@pytest.mark.usefixtures("_theatre")
def test_every_route_says_what_it_needs(run_m: RunM, tmp_path: Path) -> None:
    ran = run_m("routes")
    assert ran.returncode == 0, ran.stderr
    shown = lines(ran.stdout)
    assert {
        "GET /health open", "POST /api/v1/auth/login credentials in its body", "GET /api/meta a login",
        "GET /api/v1/Seat read Seat", "DELETE /api/v1/Seat/{id}?hard=true purge Seat",
        "POST /api/v1/Ticket/{id}/submit submit Ticket", "POST /api/v1/rpc/Ticket/stamp write Ticket",
        "POST /api/v1/rpc/fn/theatre.programme open",
    } <= set(shown)  # fmt: skip
    assert not any("Ledger" in line or "Seat/{id}/submit" in line or "{doctype}/{method}" in line for line in shown)
    assert not (tmp_path / ".m").exists()


@pytest.mark.usefixtures("_theatre")
def test_one_doctype_alone(run_m: RunM) -> None:
    shown = lines(run_m("routes", "Ticket").stdout)
    assert shown
    assert all("Ticket" in line for line in shown)


@pytest.mark.usefixtures("_theatre")
@pytest.mark.parametrize(("name", "said"), [("Tiket", "did you mean 'Ticket'?"), ("Ledger", "got 'Ledger'")])
def test_a_doctype_that_is_not_served_is_said(run_m: RunM, name: str, said: str) -> None:
    refused = run_m("routes", name)
    assert refused.returncode == 1
    assert said in refused.stderr
