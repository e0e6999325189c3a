"""The secret that development makes for itself: one for all processes, whole, and its owner's alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from framework_m_core.bootstrap.plugins.discovery import Discovered
from framework_m_core.bootstrap.settings.models import FrameworkSettings, Settings
from framework_m_core.bootstrap.settings.secrets import GENERATED, fill_secrets
from framework_m_core.domain.errors import ConfigurationError
from tests.errors import assert_names

AT_ONCE = 16
ROUNDS = 100
PROCESS = """
import sys, time
from pathlib import Path
from framework_m_core.bootstrap.settings.secrets import _read_or_create
folder, rounds, begin = Path(sys.argv[1]), int(sys.argv[2]), float(sys.stdin.readline())
for number in range(rounds):
    time.sleep(max(0, begin + number * 0.005 - time.monotonic()))
    print(_read_or_create(folder / f"secret{number}", "M_X"))
"""


class Keys(BaseModel):
    """A section with a secret of 32 characters or more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: SecretStr | None = Field(default=None, json_schema_extra={GENERATED: True})
    hours: int = 1

    @field_validator("secret")
    @classmethod
    def _long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("expected 32 characters or more")
        return value


def filled(folder: Path) -> str:
    sections = {"framework": FrameworkSettings(), "keys": Keys(hours=7)}
    keys = fill_secrets(Settings(sections, {}, folder, Discovered({}))).sections["keys"]
    assert isinstance(keys, Keys)
    assert keys.secret is not None
    assert keys.hours == 7
    return keys.secret.get_secret_value()


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    made = filled(tmp_path)
    assert len(made) >= 32
    assert filled(tmp_path) == made
    file = tmp_path / ".m" / "keys_secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == [".gitignore", "keys_secret"]


def test_all_who_begin_at_once_have_the_same(tmp_path: Path) -> None:
    barrier = Barrier(AT_ONCE)

    def made(number: int) -> str:
        barrier.wait()
        return filled(tmp_path / str(number))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(20):
            found = set(pool.map(made, [number] * AT_ONCE))
            assert len(found) == 1
            assert found != {""}


def test_all_processes_that_begin_at_once_have_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROCESS, str(tmp_path), str(ROUNDS)]
    processes = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    begin = f"{time.monotonic() + 2}\n"
    with ThreadPoolExecutor(len(processes)) as pool:
        printed = [*pool.map(lambda process: process.communicate(begin, timeout=30)[0].splitlines(), processes)]
    assert [len(secrets) for secrets in printed] == [ROUNDS] * len(processes)
    assert [found for found in zip(*printed, strict=True) if len(set(found)) > 1 or "" in found] == []


def test_one_that_dies_in_between_leaves_nothing_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(descriptor: int) -> None:
        raise OSError("no space left; set M_KEYS__SECRET instead")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", die)
        with pytest.raises(ConfigurationError) as refused:
            filled(tmp_path)
    assert_names(refused.value, str(tmp_path / ".m"), "no space left")
    assert [path.name for path in (tmp_path / ".m").iterdir()] == [".gitignore"]
    assert filled(tmp_path)


@pytest.mark.parametrize("content", ["", "\n", "short", "x" * 31])
def test_one_that_is_empty_or_short_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / ".m" / "keys_secret"
    file.parent.mkdir()
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(ConfigurationError) as refused:
        filled(tmp_path)
    assert_names(refused.value, str(file), "valid secret", "32 characters", "delete the file")
    assert not content.strip() or content not in str(refused.value)
    file.unlink()
    assert filled(tmp_path)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
def test_one_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    filled(tmp_path)
    file = tmp_path / ".m" / "keys_secret"
    file.chmod(mode)
    with pytest.raises(ConfigurationError) as refused:
        filled(tmp_path)
    assert_names(refused.value, str(file), f"mode {mode:04o}", "delete the file")


def _in_production(folder: Path, secret: str) -> Settings:
    sections = {"framework": FrameworkSettings(env="production"), "keys": Keys(secret=SecretStr(secret))}
    return Settings(sections, {}, folder, Discovered({}))


def test_production_does_not_take_the_secret_of_development(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="development secrets"):
        fill_secrets(_in_production(tmp_path, filled(tmp_path)))


def test_production_takes_a_secret_of_its_own(tmp_path: Path) -> None:
    filled(tmp_path)
    settings = _in_production(tmp_path, "another secret of thirty-two letters")
    assert fill_secrets(settings) == settings
