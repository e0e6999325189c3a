"""Settings by the names that they had: an error that names the new one, from each source."""

from __future__ import annotations

from pathlib import Path

import pytest

from framework_m_core.bootstrap.application import open_application
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.domain.errors import ConfigurationError
from tests.errors import assert_names

RENAMED = [
    ("auth", "sessions_per_user", "max_sessions_per_user"),
    ("auth", "login_failures_per_account", "max_login_failures_per_account"),
    ("auth", "login_failures_per_address", "max_login_failures_per_address"),
    ("framework", "heavy_wait_seconds", "heavy_read_timeout_seconds"),
    ("sql", "heavy_reads", "max_heavy_reads"),
    ("sql", "sqlite_wal_mb", "max_sqlite_wal_mb"),
]


@pytest.mark.parametrize(("section", "former", "name"), RENAMED)
def test_a_former_name_is_refused_with_the_new_one(tmp_path: Path, section: str, former: str, name: str) -> None:
    variable = f"M_{section}__{former}".upper()
    with pytest.raises(ConfigurationError) as refused:
        load_settings(tmp_path, {variable: "5"}, secrets=False)
    assert_names(refused.value.errors, variable, f"[{section}] {former}", name)
    file = tmp_path / "framework_config.toml"
    file.write_text(f"[{section}]\n{former} = 5\n")
    with pytest.raises(ConfigurationError) as refused:
        load_settings(tmp_path, {}, secrets=False)
    assert_names(refused.value.errors, str(file), f"[{section}] {former}", name)
    file.write_text(f"[{section}]\n{name} = 5\n")
    assert getattr(load_settings(tmp_path, {}, secrets=False).sections[section], name) == 5


async def test_a_role_without_a_step_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        await open_application(tmp_path, roles=["scheduler"], environment={}).__aenter__()
    assert_names(refused.value, "scheduler", "web", "worker", "relay", "cli")
