"""`m config show` over the settings of the standard distribution: what is in force where nothing is set."""

from __future__ import annotations

from pathlib import Path

from .conftest import RunM
from .test_info import lines


def test_development_has_an_answer_for_everything(run_m: RunM, tmp_path: Path) -> None:
    shown = run_m("config", "show")
    assert shown.returncode == 0
    assert {
        f'url = "sqlite:///{tmp_path}/.m/data.db" # default',
        "sync_schema = true # default",
        "cors_origins = [] # default",
        f'secret = "***" # default: generated in {tmp_path}/.m',
        'password = "***" # default',
        "port = 8000 # default",
    } <= set(lines(shown.stdout))
    assert "(not set)" not in shown.stdout
    assert list(tmp_path.iterdir()) == []


def test_production_shows_what_it_waits_for(run_m: RunM) -> None:
    shown = lines(run_m("config", "show", variables={"M_FRAMEWORK__ENV": "production"}).stdout)
    assert "secret = (not set) # production does not start without it" in shown
    assert "sync_schema = false # default" in shown


def test_what_is_set_outranks_the_default(run_m: RunM) -> None:
    given = {"DATABASE_URL": "postgresql://ada:hunter22@db/app", "M_HTTP__CORS_ORIGINS": "https://a.example"}
    shown = lines(run_m("config", "show", variables=given).stdout)
    assert 'url = "postgresql://ada:***@db/app" # DATABASE_URL' in shown
    assert 'cors_origins = ["https://a.example"] # M_HTTP__CORS_ORIGINS' in shown
