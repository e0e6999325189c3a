"""`m config show` and what it says of a configuration that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import RunM

SECRET = "s3cret-" * 8


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_every_setting_shows_its_value_and_origin(run_m: RunM, tmp_path: Path) -> None:
    file = tmp_path / "app" / "framework_config.toml"
    file.write_text('[framework]\nenv = "production"\napps = ["crm", "shop"]\n')
    shown = run_m("config", "show", environment={"M_FRAMEWORK__APPS": "crm"})
    assert shown.returncode == 0
    assert "[framework]" in lines(shown.stdout)
    assert f'env = "production" # {file}' in lines(shown.stdout)
    assert 'apps = ["crm"] # M_FRAMEWORK__APPS' in lines(shown.stdout)


def test_unset_settings_show_what_is_taken_instead(run_m: RunM, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[project.entry-points."framework_m.apps"]\nkiosk = "kiosk"\n'
    )
    assert 'apps = ["kiosk"] # default' in lines(run_m("config", "show").stdout)


def test_showing_changes_nothing(run_m: RunM, tmp_path: Path) -> None:
    run_m("config", "show")
    assert list((tmp_path / "app").iterdir()) == []


def test_all_problems_are_listed(run_m: RunM, tmp_path: Path) -> None:
    (tmp_path / "app" / "framework_config.toml").write_text('[framework]\nenv = "fast"\nap = []\n[flying]\nx = 1\n')
    refused = run_m("config", "show")
    assert refused.returncode == 2
    assert refused.stderr.startswith("m: the configuration is not valid:\n  - ")
    assert "[framework] env:" in refused.stderr
    assert "[framework] has no setting 'ap': did you mean 'apps'?" in refused.stderr
    assert "there is no section [flying]" in refused.stderr


def test_a_variable_with_one_underscore_is_refused(run_m: RunM) -> None:
    refused = run_m("config", "show", environment={"M_FRAMEWORK_ENV": "production", "M_FRAMEWORK_X": "1", "M_X": "1"})
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[1:] == [
        "  - M_FRAMEWORK_ENV: expected two underscores after the section: did you mean M_FRAMEWORK__ENV?"
    ]


def test_settings_are_explained_when_it_is_asked_for(run_m: RunM) -> None:
    explained = lines(run_m("config", "show", "--explain").stdout)
    at = explained.index('env = "development" # default')
    assert explained[at - 2].startswith("# In production, ")
    assert "# In production" not in run_m("config", "show").stdout


@pytest.mark.parametrize(
    "address",
    ["postgresql://u:hunt/er2@h/d", "postgresql://u:hunt@er2@h/d", "postgresql://h/d?user=u&password=hunter2"],
)
def test_a_password_in_an_address_is_not_shown(run_m: RunM, address: str) -> None:
    shown = run_m("config", "show", environment={"DATABASE_URL": address})
    assert shown.returncode == 0
    assert "***" in shown.stdout
    assert "er2" not in shown.stdout
