"""`m config set`: the file as a person would have edited it, and nothing that the app would refuse."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest

from tests.errors import assert_names

from .conftest import Run, is_one_line

BEFORE = """# my shop
[http]     # web
port = 8000   # the usual

# where
[sql]
pool_size=4
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that somebody has written with care."""
    path = tmp_path / "framework_config.toml"
    path.write_text(BEFORE)
    return path


def set_to(run: Run, *words: str, **variables: str) -> str:
    done = run("m", "config", "set", *words, variables=variables)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_comments_and_layout_stay(run: Run, file: Path) -> None:
    assert set_to(run, "http.port", "8080") == f"set [http] port in {file}\n"
    assert file.read_text() == BEFORE.replace("8000", "8080")
    set_to(run, "http.host", "0.0.0.0")
    assert file.read_text() == BEFORE.replace("8000   # the usual\n", '8080   # the usual\nhost = "0.0.0.0"\n')
    set_to(run, "framework.apps", "shop,crm")
    assert file.read_text().endswith('pool_size=4\n\n[framework]\napps = ["shop", "crm"]\n')


def test_values_have_the_type_of_the_setting(run: Run, file: Path) -> None:
    for words in (
        ("sql.sync_schema", "yes"),
        ("sql.lock_timeout_seconds", "3"),
        ("http.cors_origins", '["https://a.example"]'),
        ("memory.administrator", "123"),
        ("adapters.store", "memory"),
    ):
        set_to(run, *words)
    text = file.read_text()
    lines = [
        "sync_schema = true",
        "lock_timeout_seconds = 3.0",
        '= ["https://a.example"]',
        '= "123"',
        'store = "memory"',
    ]
    assert [line for line in lines if line in text] == lines
    set_to(run, "http.cors_origins", "")
    assert "cors_origins = []" in file.read_text()


def test_the_app_gets_its_file(run: Run, shop: Path) -> None:
    (shop / "framework_config.toml").unlink()
    done = run("m", "config", "set", "http.port", "8080", folder=shop / "src")
    assert done.stdout == f"set [http] port in {shop}/framework_config.toml\n"
    assert (shop / "framework_config.toml").read_text() == "[http]\nport = 8080\n"
    assert "port = 8080 " in run("m", "config", "show", folder=shop).stdout


def test_the_rights_of_the_file_stay(run: Run, file: Path) -> None:
    file.chmod(0o600)
    set_to(run, "http.port", "8080")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_secrets_are_written_as_variables(run: Run, file: Path) -> None:
    said = set_to(run, "auth.secret", "${SHOP_SECRET}")
    assert said.splitlines()[1] == "but SHOP_SECRET is not set here: the app does not start without it"
    set_to(run, "sql.url", "postgresql://shop:${SHOP_PASSWORD}@db/shop")
    assert 'secret = "${SHOP_SECRET}"' in file.read_text()
    set_to(run, "sql.url", "postgresql://shop@db/shop?password=${SHOP_PASSWORD}")
    for words in (
        ("auth.secret", "hunter2" * 8),
        ("sql.url", "postgresql://shop:hunter2@db/shop"),
        ("sql.url", "postgresql://shop:hunter2/x@db/shop"),
        ("sql.url", "postgresql://db/shop?user=shop&password=hunter2"),
        ("sql.url", "postgresql://shop:${SHOP_PASSWORD}hunter2@db/shop"),
    ):
        refused = run("m", "config", "set", *words)
        assert refused.returncode == 2, words
        assert_names(refused.stderr, "variable", f"m config set {words[0]}")
        assert "hunter2" not in refused.stderr, words
        assert is_one_line(refused), words
    assert "hunter2" not in file.read_text()


def test_variables_are_checked_where_they_are_known(run: Run, file: Path) -> None:
    refused = run("m", "config", "set", "http.port", "${PORT}", variables={"PORT": "abc"})
    assert_names(refused.stderr, "[http] port", "valid integer")
    set_to(run, "http.port", "${PORT}", PORT="9000")
    set_to(run, "sql.pool_size", "${NOBODY_KNOWS}")
    assert 'port = "${PORT}"' in file.read_text()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("auth.secret", "Signs access tokens and keys the login throttle: 32 characters or more"),
        ("http.cors_origins", "Origins of other sites"),
        ("http.port", "Input should be a valid integer"),
        ("framework.env", "Input should be 'development' or 'production'"),
        ("sql.url", "[sql] url: expected a value for: "),
        ("adapters.store", "[adapters] store: ${HELD} does not name an installed adapter"),
    ],
)
def test_what_a_variable_holds_is_never_shown(run: Run, file: Path, setting: str, said: str) -> None:
    for options in ([], ["--debug"]):
        refused = run("m", *options, "config", "set", setting, "${HELD}", variables={"HELD": "hunter2"})
        assert refused.returncode != 0, options
        assert said in refused.stderr, options
        assert "${HELD}" in refused.stderr, options
        assert "hunter2" not in refused.stderr + refused.stdout, options
    assert file.read_text() == BEFORE


def test_what_outranks_the_file_is_said(run: Run, file: Path) -> None:
    said = set_to(run, "http.port", "8080", M_HTTP__PORT="9000")
    assert said.splitlines()[1] == "but M_HTTP__PORT is set here, and overrides the file"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("http.prot", "1"), "[http] has no setting 'prot': did you mean 'port'?"),
        (("htp.port", "1"), "there is no section [htp]: did you mean 'http'?"),
        (("xyz.port", "1"), "expected one of adapters, auth"),
        (("sql.url", "foo"), "[sql] url: the database address is not understood: expected sqlite:///path/to/file.db"),
        (("http", "1"), "expected section and key, such as http.port"),
        (("http.port", "abc"), "Input should be a valid integer, unable to parse string as an integer, got 'abc'"),
        (("http.port", "-1"), "greater than or equal to 0, got '-1'"),
        (("framework.env", "prod"), "Input should be 'development' or 'production', got 'prod'"),
        (("http.cors_origins", "shop"), "expected an origin such as 'https://shop.example', got 'shop'"),
        (("http.cors_origins", "[a"), "is no list: expected one such as"),
        (("http.port",), "expected `m config set"),
    ],
)
def test_what_cannot_be_is_explained_and_not_written(run: Run, file: Path, words: tuple[str, ...], said: str) -> None:
    refused = run("m", "config", "set", *words)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert is_one_line(refused)
    assert file.read_text() == BEFORE


def test_adapters_that_nobody_offers_are_refused(run: Run, file: Path) -> None:
    assert_names(run("m", "config", "set", "adapters.store", "redis").stderr, "store", "'redis'", "default, memory")
    assert_names(run("m", "config", "set", "adapters.stor", "memory").stderr, "[adapters] stor", "no such port")
    assert file.read_text() == BEFORE


def test_a_broken_file_is_left_alone(run: Run, file: Path) -> None:
    file.write_text("[http\n")
    refused = run("m", "config", "set", "http.port", "8080")
    assert refused.returncode == 2
    assert_names(refused.stderr, str(file), "valid TOML")
    assert is_one_line(refused)
    file.write_text("http = 1\n")
    assert_names(run("m", "config", "set", "http.port", "8080").stderr, "section 'http'", "value")
    assert file.read_text() == "http = 1\n"
    file.write_text("http.host = '::'\n[http.x]\ny = 1\n")
    said = run("m", "config", "set", "http.port", "8080").stderr
    assert_names(said, "[http] once", "several places")
    assert file.read_text() == "http.host = '::'\n[http.x]\ny = 1\n"


MODEL = """
from pydantic import BaseModel, Field, SecretStr


class Provider(BaseModel):
    client_id: str
    client_secret: SecretStr | None = None
    scopes: tuple[str, ...] = ()


class SignIn(BaseModel):
    google: Provider | None = None
    others: dict[str, Provider] = {}
"""


@pytest.fixture
def signing(shop: Path) -> Path:
    """An app with a section whose settings are in tables."""
    (shop / "src" / "signing.py").write_text(MODEL)
    project = shop / "pyproject.toml"
    project.write_text(
        project.read_text() + '\n[project.entry-points."framework_m.settings"]\nsign_in = "signing:SignIn"\n'
    )
    return shop


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[sign_in.google]\nclient_id = "a"\n'),
        ('[sign_in.google] # theirs\nclient_id = "b"\n', '[sign_in.google] # theirs\nclient_id = "a"\n'),
        ('[sign_in]\ngoogle = { client_id = "b" }\n', '[sign_in]\ngoogle = { client_id = "a" }\n'),
        ('[sign_in]\ngoogle.client_id = "b"\n', '[sign_in]\ngoogle.client_id = "a"\n'),
        ("[sign_in]\ngoogle = {}\n", '[sign_in]\ngoogle = {client_id = "a"}\n'),
    ],
)
def test_a_setting_in_a_table_is_written_where_its_table_is(run: Run, signing: Path, before: str, after: str) -> None:
    file = signing / "framework_config.toml"
    file.write_text(before)
    done = run("m", "config", "set", "sign_in.google.client_id", "a", folder=signing)
    assert done.stderr == ""
    assert done.stdout == f"set [sign_in] google.client_id in {file}\n"
    assert tomllib.loads(file.read_text()) == tomllib.loads(after) == {"sign_in": {"google": {"client_id": "a"}}}
    assert file.read_text() == after


def test_a_setting_in_a_table_is_checked_alone(run: Run, signing: Path) -> None:
    """Others that its table needs may come from elsewhere."""
    for path in ("sign_in.google.scopes", "sign_in.others.gitlab.scopes"):
        done = run("m", "config", "set", path, "mail,name", folder=signing)
        assert done.stderr == "", path
    written = tomllib.loads((signing / "framework_config.toml").read_text())["sign_in"]
    assert written["google"] == written["others"]["gitlab"] == {"scopes": ["mail", "name"]}
    done = run(
        "m", "config", "set", "sign_in.google.scopes", "a", folder=signing,
        variables={"M_SIGN_IN__GOOGLE__SCOPES": "b"},
    )  # fmt: skip
    assert done.stdout.splitlines()[1] == "but M_SIGN_IN__GOOGLE__SCOPES is set here, and overrides the file"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("sign_in.google.clint_id", "[sign_in] google has no setting 'clint_id': did you mean 'client_id'?"),
        ("sign_in.google.client_id.x", "[sign_in] google.client_id has no setting 'x'"),
        ("sign_in.google", "[sign_in] google is a table: expected one of sign_in.google.client_id, "),
        ("sign_in.google.client_secret", "m config set sign_in.google.client_secret '${SIGN_IN_GOOGLE_CLIENT_SECRET}'"),
        ("sign_in.others.gitlab.client_secret", "is a secret, which does not belong in the file"),
        ("sign_in..google", "expected section and key"),
    ],
)
def test_a_setting_in_a_table_that_cannot_be_is_explained(run: Run, signing: Path, path: str, said: str) -> None:
    before = (signing / "framework_config.toml").read_text()
    refused = run("m", "config", "set", path, "hunter2", folder=signing)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert is_one_line(refused)
    assert (signing / "framework_config.toml").read_text() == before


def test_a_role_that_no_step_has_is_refused(run: Run, file: Path) -> None:
    refused = run("m", "config", "set", "framework.roles", "web,wbe")
    assert (refused.returncode != 0, file.read_text()) == (True, BEFORE)
    assert_names(refused.stderr, "no role", "'wbe'", "web", "relay")
    set_to(run, "framework.roles", "web,relay")
    assert 'roles = ["web", "relay"]' in file.read_text()


def test_a_role_of_a_step_of_the_app_is_accepted(run: Run, file: Path) -> None:
    folder = file.parent
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "shop"\n[project.entry-points."framework_m.apps"]\nshop = "shopindex"\n'
        '[project.entry-points."framework_m.bootstrap"]\nindex = "shopindex:Index"\n'
    )
    (folder / "shopindex.py").write_text('class Index:\n    order, roles = 70, ["indexer"]\n')
    set_to(run, "framework.roles", "web,indexer")
    assert 'roles = ["web", "indexer"]' in file.read_text()
