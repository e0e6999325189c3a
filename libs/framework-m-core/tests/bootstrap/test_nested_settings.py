"""Settings in tables: a variable for each leaf, with its origin, its checks and its secrets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from framework_m_core.bootstrap.application import Application
from framework_m_core.bootstrap.settings.effective import list_effective_settings
from framework_m_core.bootstrap.settings.models import Settings
from framework_m_core.bootstrap.settings.sources import load_settings
from framework_m_core.cli.config import format_value
from framework_m_core.container.container import Named
from framework_m_core.domain.errors import ConfigurationError

MODEL = """
from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Provider(BaseModel):
    client_id: str = Field(description="How the provider knows the app.")
    client_secret: SecretStr | None = None
    scopes: tuple[str, ...] = ()
    retry: dict[str, int] = {}


class Signing(BaseModel):
    key: SecretStr | None = Field(default=None, json_schema_extra={"generated_in_development": True})
    hours: int = 1


class Login(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    google: Provider | None = None
    others: dict[str, Provider] = {}
    from_: str = Field(default="", alias="from")
    key: SecretStr | None = Field(default=None, json_schema_extra={"generated_in_development": True})
    signing: Signing = Signing()
"""

type Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads the settings of an app with a section `[sign_in]`, from a file and variables."""
    name = f"signing_{uuid4().hex[:8]}"
    groups = {"apps": ("signing", name), "settings": ("sign_in", f"{name}:Login")}
    points = [f'[project.entry-points."framework_m.{group}"]\n{key} = "{at}"\n' for group, (key, at) in groups.items()]
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n{"".join(points)}')
    (tmp_path / f"{name}.py").write_text(MODEL)

    def loaded(
        text: str = "", *, overrides: dict[str, Any] | None = None, secrets: bool = False, **variables: str
    ) -> Settings:
        (tmp_path / "framework_config.toml").write_text(text)
        return load_settings(tmp_path, variables, overrides=overrides, secrets=secrets)

    return loaded


def shown(settings: Settings) -> dict[str, tuple[str, str]]:
    """The text and origin of each setting of the section, as `m config show` has them."""
    found = list_effective_settings(settings, "sign_in")
    return {setting.key: (format_value(setting.value), setting.origin) for setting in found}


def errors_of(load: Load, *arguments: str, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load(*arguments, **options)
    return str(refused.value)


def test_a_variable_sets_a_leaf_over_the_file(load: Load, tmp_path: Path) -> None:
    settings = load(
        '[sign_in.google]\nclient_id = "file"\nscopes = ["mail"]\n',
        M_SIGN_IN__GOOGLE__CLIENT_ID="variable",
        M_SIGN_IN__GOOGLE__RETRY__DAILY="3",
    )
    file = str(tmp_path / "framework_config.toml")
    rows = shown(settings)
    assert rows["google.client_id"] == ('"variable"', "M_SIGN_IN__GOOGLE__CLIENT_ID")
    assert rows["google.scopes"] == ('["mail"]', file)
    assert rows["google.retry.daily"] == ("3", "M_SIGN_IN__GOOGLE__RETRY__DAILY")
    assert rows["signing.hours"] == ("1", "default")


def test_a_list_in_a_table_is_split_at_commas(load: Load) -> None:
    settings = load(M_SIGN_IN__OTHERS__GITLAB__CLIENT_ID="x", M_SIGN_IN__OTHERS__GITLAB__SCOPES="mail, name")
    assert shown(settings)["others.gitlab.scopes"] == (
        '["mail", "name"]',
        "M_SIGN_IN__OTHERS__GITLAB__SCOPES",
    )


def test_a_variable_finds_keys_of_the_file_in_their_case(load: Load) -> None:
    rows = shown(load('[sign_in.others.GitLab]\nclient_id = "a"\n', M_SIGN_IN__OTHERS__GITLAB__CLIENT_ID="b"))
    assert rows["others.GitLab.client_id"] == ('"b"', "M_SIGN_IN__OTHERS__GITLAB__CLIENT_ID")
    assert not any("gitlab" in key for key in rows)


def test_a_setting_is_found_by_its_alias(load: Load) -> None:
    assert shown(load(M_SIGN_IN__FROM="crm"))["from"] == ('"crm"', "M_SIGN_IN__FROM")


def test_the_command_line_is_above_all(load: Load) -> None:
    overrides = {"sign_in.google.client_id": "option", "sign_in.signing": {"hours": 3}}
    rows = shown(load(overrides=overrides, M_SIGN_IN__GOOGLE__CLIENT_ID="a", M_SIGN_IN__SIGNING__HOURS="2"))
    assert rows["google.client_id"] == ('"option"', "command line")
    assert rows["signing.hours"] == ("3", "command line")


def test_a_secret_in_a_table_is_hidden_wherever_it_came_from(load: Load) -> None:
    rows = shown(load('[sign_in.google]\nclient_id = "a"\nclient_secret = "${HELD}"\n', HELD="hunter2"))
    assert rows["google.client_secret"][0] == '"***"'
    rows = shown(load(M_SIGN_IN__GOOGLE__CLIENT_ID="a", M_SIGN_IN__GOOGLE__CLIENT_SECRET="hunter2"))
    assert rows["google.client_secret"] == ('"***"', "M_SIGN_IN__GOOGLE__CLIENT_SECRET")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"M_SIGN_IN__GOOGLE__CLINT_ID": "x"},
            "M_SIGN_IN__GOOGLE__CLINT_ID: [sign_in] google has no setting 'clint_id': did you mean 'client_id'?",
        ),
        (
            {"M_SIGN_IN__GOOGLE__SCOPES": "mail"},
            "M_SIGN_IN__GOOGLE__SCOPES: [sign_in] google.client_id: expected a value, got none",
        ),
        ({"M_SIGN_IN__SIGNING__HOURS": "x"}, "M_SIGN_IN__SIGNING__HOURS: [sign_in] signing.hours: Input should be"),
        ({"M_SIGN_IN__SIGNING": "x"}, "M_SIGN_IN__SIGNING: [sign_in] signing: expected a table, got a text"),
        (
            {"M_SIGN_IN__GOOGLE__CLIENT_ID__X": "x"},
            "M_SIGN_IN__GOOGLE__CLIENT_ID__X: [sign_in] google.client_id: expected a value, got a table",
        ),
        (
            {"M_SIGN_IN__GOOGLE__CLIENT_ID": "a", "M_SIGN_IN__GOOGLE": "x"},
            "M_SIGN_IN__GOOGLE__CLIENT_ID: M_SIGN_IN__GOOGLE sets [sign_in] google to a value: expected a table",
        ),
        ({"M_SIGN_IN__": "x"}, "M_SIGN_IN__: expected M_<SECTION>__<KEY>"),
        ({"M_SIGN_IN__GOOGLE____X": "x"}, "M_SIGN_IN__GOOGLE____X: expected M_<SECTION>__<KEY>"),
        (
            {"M_SIGN_IN__SIGNING_HOURS": "3"},
            "M_SIGN_IN__SIGNING_HOURS: expected two underscores between the names: "
            "did you mean M_SIGN_IN__SIGNING__HOURS?",
        ),
        (
            {"M_SIGN_IN_SIGNING__HOURS": "3"},
            "M_SIGN_IN_SIGNING__HOURS: expected two underscores between the names: "
            "did you mean M_SIGN_IN__SIGNING__HOURS?",
        ),
    ],
)
def test_a_variable_that_does_not_fit_is_named(load: Load, variables: dict[str, str], said: str) -> None:
    assert errors_of(load, **variables).count(said) == 1


def test_an_unknown_key_of_a_table_in_the_file_is_an_error(load: Load, tmp_path: Path) -> None:
    text = errors_of(load, '[sign_in.others.gitlab]\nclient_id = "a"\nclientid = "b"\n')
    assert f"{tmp_path}/framework_config.toml: [sign_in] others.gitlab has no setting 'clientid'" in text


def test_a_missing_variable_in_a_table_is_told_once(load: Load) -> None:
    text = errors_of(load, '[sign_in.google]\nclient_id = "${NOBODY}"\n')
    assert text.splitlines()[1:] == ["  - [sign_in] google.client_id: the environment variable NOBODY is not set"]


def test_a_secret_in_a_table_is_generated_in_development(load: Load, tmp_path: Path) -> None:
    settings = load("[sign_in.signing]\nhours = 7\n", secrets=True)
    section: Any = settings.sections["sign_in"]
    assert section.signing.hours == 7
    assert section.signing.key.get_secret_value() == (tmp_path / ".m" / "sign_in_signing.key").read_text()
    assert section.key.get_secret_value() == (tmp_path / ".m" / "sign_in_key").read_text()
    assert section.key != section.signing.key
    assert shown(settings)["signing.key"] == ('"***"', f"generated, {tmp_path}/.m/sign_in_signing.key")
    assert shown(load())["signing.key"] == ('"***"', f"default: generated in {tmp_path}/.m")


def test_production_asks_for_the_secret_in_a_table(load: Load, tmp_path: Path) -> None:
    production = {"secrets": True, "M_FRAMEWORK__ENV": "production", "M_SIGN_IN__KEY": "k"}
    text = errors_of(load, **production)
    assert "[sign_in] signing.key is not set: set M_SIGN_IN__SIGNING__KEY" in text
    load(secrets=True)
    stored = (tmp_path / ".m" / "sign_in_signing.key").read_text()
    text = errors_of(load, **production, M_SIGN_IN__SIGNING__KEY=stored)
    assert "[sign_in] signing.key is the development secret" in text


def test_a_provider_gets_one_setting_of_a_table(load: Load) -> None:
    application = Application(load(M_SIGN_IN__GOOGLE__CLIENT_ID="a", M_SIGN_IN__OTHERS__GITLAB__CLIENT_ID="b"))
    application.container.provide("names", ())
    application.container.override(
        "names",
        lambda one, other: (one, other),
        one=Named("config.sign_in.google.client_id"),
        other=Named("config.sign_in.others.gitlab.client_id"),
    )
    assert application.container.get("names") == ("a", "b")
