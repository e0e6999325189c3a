"""What cannot start says why in words, all of it at once, and without a secret."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.errors import assert_names
from tests.journeys.conftest import POSTGRES
from tests.journeys.product import Product

from .conftest import READY, SERVERS, refuses

# Starts that cannot succeed.


@pytest.mark.parametrize("command", [*SERVERS, ("prod",)], ids=" ".join)
def test_a_busy_port_is_one_line(app: Product, command: tuple[str, ...]) -> None:
    app.environment |= READY
    with socket.socket() as other:
        other.bind(("127.0.0.1", app.port))
        other.listen()
        done = app.m(*command, "--port", str(app.port), check=False)
    assert done.returncode == 2 and done.stdout == ""
    [told] = done.stderr.splitlines()
    assert_names(told, "already in use", str(app.port), "--port")


def test_a_second_server_leaves_the_first_alone(app: Product) -> None:
    app.start()
    done = app.m("start", "--no-reload", "--port", str(app.port), check=False)
    assert done.returncode == 2 and "already in use" in done.stderr
    assert httpx.get(f"{app.address}/health").status_code == 200
    assert app.stop() == 0


WRONG_CONFIGURATION = """
stray = 1

[http]
prot = 8000
max_body_mb = 0
workers = "many"
cors_origins = ["shop.example"]

[htpp]
port = 8000

[auth]
secret = "${NO_SUCH_VARIABLE}"
access_token_ttl_minutes = -5

[framework]
env = "staging"
"""


@pytest.mark.parametrize("command", SERVERS, ids=" ".join)
def test_all_that_is_wrong_with_the_configuration_is_said_at_once(app: Product, command: tuple[str, ...]) -> None:
    file = app.app / "framework_config.toml"
    file.write_text(WRONG_CONFIGURATION)
    said = refuses(
        app, *command,
        says=(str(file), "stray", "'prot'", "did you mean 'port'", "max_body_mb", "workers", "cors_origins", "[htpp]",
              "NO_SUCH_VARIABLE", "access_token_ttl_minutes", "env"),
    )  # fmt: skip
    assert len(said.splitlines()) >= 9


@pytest.mark.parametrize("text", ["[http\nport = 1", "\xff\xfe", "port = 1 2", "[http]\nport = 1\nport = 2"])
def test_a_configuration_that_is_no_toml_is_named(app: Product, text: str) -> None:
    file = app.app / "framework_config.toml"
    file.write_text(text, encoding="latin-1")
    refuses(app, "start", "--no-reload", says=(str(file), "TOML"))


def test_the_environment_is_checked_as_the_file_is(app: Product) -> None:
    app.environment |= {
        "M_HTTP__PROT": "1",
        "M_HTTP__SHUTDOWN_TIMEOUT_SECONDS": "soon",
        "M_AUTH__SECRET": "short-s3cret",
    }
    said = refuses(
        app, "start", "--no-reload", says=("M_HTTP__PROT", "M_HTTP__SHUTDOWN_TIMEOUT_SECONDS", "M_AUTH__SECRET")
    )
    assert "short-s3cret" not in said


BAD_DOCTYPES = '''
"""What is wrong with these is listed below."""

from uuid import UUID

from framework_m import Controller, DocType, Field


class Parcel(DocType):
    """Wrong in many ways."""

    target: UUID = Field(link="Nowhere")
    title: str | None = Field(default=None, fetch_from="target.full_name")
    secret: str | None = Field(default=None, permlevel=3)

    class Meta:
        submitable = True
        naming = "field:nonsense"
        permissions = {"read": {"Sales User": "everything"}}
        indexes = (("nonsense",),)


class Auth(DocType):
    """Named as a route is."""

    parent: str


class contact(DocType):
    """Named as another is."""

    x: int


class LostController(Controller[int]):
    """Of no DocType."""
'''
PROBLEMS = (
    "Parcel", "'Nowhere'", "fetch_from='target.full_name'", "permlevel=3", "Meta.submitable", "'nonsense'",
    "'everything'", "Meta.indexes", "'Auth' is reserved by a route of the framework", "'parent'", "ignoring case",
)  # fmt: skip


@pytest.mark.parametrize("command", SERVERS, ids=" ".join)
def test_all_that_is_wrong_with_doctypes_is_said_at_once(app: Product, command: tuple[str, ...]) -> None:
    source = app.app / "src" / "crm" / "doctypes" / "wrong.py"
    source.write_text(BAD_DOCTYPES)
    said = refuses(app, *command, says=("crm.doctypes.wrong", *PROBLEMS))
    assert "pydantic.dev" not in said


UNIMPORTABLE = {
    "import no_module_of_this_name\n": ("no_module_of_this_name",),
    "from framework_m import NoSuchName\n": ("NoSuchName",),
    "def broken(:\n": ("SyntaxError", "wrong.py", "line 1"),
    "x = {}['key']\n": ("KeyError", "wrong.py", "line 1"),
}


def _write_module(app: Product, source: str) -> None:
    (app.app / "src" / "crm" / "doctypes" / "wrong.py").write_text(source)


@pytest.mark.parametrize("source", UNIMPORTABLE, ids=["module", "name", "syntax", "exception"])
def test_a_module_that_cannot_be_imported_is_named(app: Product, source: str) -> None:
    _write_module(app, source)
    refuses(app, "start", "--no-reload", says=("crm.doctypes.wrong", *UNIMPORTABLE[source]))


def test_a_module_that_cannot_be_imported_ends_the_reloading_server_too(app: Product) -> None:
    _write_module(app, "\n\nx = no_such_name\n")
    refuses(app, "start", says=("crm.doctypes.wrong", "NameError", "no_such_name", "wrong.py", "line 3"))


PASSWORD = "s3cret-in-url"
SERVER = urlsplit(POSTGRES).netloc.rpartition("@")[2]
URLS = {
    "sqlite:////proc/no/crm.db": ("/proc/no/crm.db", "DATABASE_URL"),
    f"postgresql://u:{PASSWORD}@127.0.0.1:1/crm": ("127.0.0.1:1", "refused", "DATABASE_URL"),
    f"postgresql://u:{PASSWORD}@{SERVER}/no_such_database": ("no_such_database", "does not exist"),
    f"postgresql://no_such_user:{PASSWORD}@{SERVER}/postgres": ("no_such_user",),
    f"postgresql://u:{PASSWORD}@[bad/crm": ("DATABASE_URL",),
    f"mariadb://u:{PASSWORD}@127.0.0.1:1/crm": ("127.0.0.1:1", "DATABASE_URL"),
    f"mariadb://u:{PASSWORD}@127.0.0.1": ("127.0.0.1", "DATABASE_URL"),
    f"oracle://u:{PASSWORD}@127.0.0.1/crm": ("sqlite:///", "postgresql://", "mariadb://"),
    "nonsense": ("nonsense", "sqlite:///"),
    "sqlite://": ("sqlite:///",),
}


@pytest.mark.parametrize("url", URLS)
def test_a_database_that_cannot_be_reached_is_named_without_its_password(app: Product, url: str) -> None:
    app.url = url
    said = refuses(app, "start", "--no-reload", says=URLS[url])
    assert PASSWORD not in said and len(said.splitlines()) <= 3


def test_a_store_that_is_no_database_is_named(app: Product) -> None:
    file = Path(app.url.removeprefix("sqlite:///"))
    file.write_bytes(b"this is no database " * 500)
    refuses(app, "start", "--no-reload", says=(str(file), "not a database"))
