"""Settings from a file and the environment: variables at any depth, and nothing that is passed over in silence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.domain.errors import ConfigurationError

MODEL = """
from pydantic import BaseModel, ConfigDict


class Queue(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    hosts: tuple[str, ...] = ()
    limits: dict[str, dict[str, str]] = {}
    retries: int = 3
"""

type Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads the settings of an app that has a section `[job_queue]`, from a file and variables."""
    name = f"queued_{uuid4().hex[:8]}"
    groups = {"apps": ("queued", name), "settings": ("job_queue", f"{name}:Queue")}
    points = [f'[project.entry-points."framework_m.{group}"]\n{key} = "{at}"\n' for group, (key, at) in groups.items()]
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n{"".join(points)}')
    (tmp_path / f"{name}.py").write_text(MODEL)

    def loaded(text: str = "", **variables: str) -> Settings:
        (tmp_path / "framework_config.toml").write_text(text)
        return load_settings(tmp_path, variables, secrets=False)

    return loaded


def test_variables_are_replaced_in_lists_and_tables(load: Load) -> None:
    text = (
        '[job_queue]\nhosts = ["${FIRST}:1", "b:2"]\nlimits = { mail = { daily = "${MOST}" } }\nretries = "${TRIES}"\n'
    )
    section = load(text, FIRST="a", MOST="10", TRIES="5").sections["job_queue"]
    assert dict(section) == {"hosts": ("a:1", "b:2"), "limits": {"mail": {"daily": "10"}}, "retries": 5}


def test_every_variable_that_is_missing_is_told_once(load: Load) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load('[job_queue]\nhosts = ["${FIRST}", "${SECOND}"]\nlimits = { mail = { daily = "${MOST}" } }\n')
    said = str(refused.value)
    assert said.count("the environment variable ") == 3
    expected = [("hosts", "FIRST"), ("hosts", "SECOND"), ("limits.mail.daily", "MOST")]
    told = [
        (key, name)
        for key, name in expected
        if f"[job_queue] {key}: the environment variable {name} is not set" in said
    ]
    assert told == expected


def test_a_section_with_an_underscore_is_set_by_the_environment(load: Load) -> None:
    settings = load(M_JOB_QUEUE__RETRIES="7", M_JOB_QUEUE__HOSTS="a, b")
    assert dict(settings.sections["job_queue"]) == {"hosts": ("a", "b"), "limits": {}, "retries": 7}
    assert settings.origins["job_queue", "retries"] == "M_JOB_QUEUE__RETRIES"


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("M_JOB_QUEU__RETRIES", "M_JOB_QUEU__RETRIES: there is no section [job_queu]"),
        ("M_JOB_QUEUE__RETRYS", "M_JOB_QUEUE__RETRYS: [job_queue] has no setting 'retrys': did you mean 'retries'?"),
        ("M_JOB_QUEUE__MORE__YET", "M_JOB_QUEUE__MORE__YET: [job_queue] has no setting 'more'"),
    ],
)
def test_a_variable_that_sets_nothing_is_an_error(load: Load, variable: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(**{variable: "1"})
    assert said in str(refused.value)
