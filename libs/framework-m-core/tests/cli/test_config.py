"""`m config show` and what it says of a configuration that cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from framework_m_core.cli.config import format_value
from tests.errors import assert_names

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


def test_all_errors_are_listed(run_m: RunM, tmp_path: Path) -> None:
    (tmp_path / "app" / "framework_config.toml").write_text('[framework]\nenv = "fast"\nap = []\n[flying]\nx = 1\n')
    refused = run_m("config", "show")
    assert refused.returncode == 2
    assert refused.stderr.startswith("m: the configuration is not valid:\n  - ")
    told = refused.stderr.splitlines()
    assert_names(told, "[framework] env")
    assert_names(told, "[framework]", "'ap'", "'apps'")
    assert_names(told, "[flying]")


def test_a_variable_with_one_underscore_is_refused(run_m: RunM) -> None:
    refused = run_m("config", "show", environment={"M_FRAMEWORK_ENV": "production", "M_FRAMEWORK_X": "1", "M_X": "1"})
    assert refused.returncode == 2
    [told] = refused.stderr.splitlines()[1:]
    assert_names(told, "M_FRAMEWORK_ENV", "M_FRAMEWORK__ENV")


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


def test_values_in_tables_and_lists_are_shown_as_toml_without_their_secrets() -> None:
    value = [{"url": "postgresql://u:hunter2@h/d", "key": SecretStr("hunter2"), "my key": [1, True]}, {}]
    assert format_value(value) == '[{ url = "postgresql://u:***@h/d", key = "***", "my key" = [1, true] }, {}]'
