"""`m user`: manage the users who may log in."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from cyclopts import App, Parameter

from framework_m_core.bootstrap.application import open_application
from framework_m_core.cli.tables import escape_controls, print_table
from framework_m_core.domain.errors import EntityNotFoundError, FrameworkError
from framework_m_core.interfaces.identity import Identity, IdentityProtocol

__all__ = [
    "Email",
    "FromStandardInput",
    "add_role",
    "app",
    "create",
    "disable",
    "enable",
    "list_users",
    "set_attribute",
    "set_password",
]

_MAX_CHARACTERS = 10_000

app = App(name="user", help="Manage the users who may log in.")

type Email = Annotated[str, Parameter(help="The user's email address, with which they log in.")]
type FromStandardInput = Annotated[
    bool, Parameter(name="--password-stdin", negative="", help="Read the password from standard input.")
]


@app.command
def create(
    email: Email,
    /,
    *,
    role: Annotated[list[str] | None, Parameter(negative="", help="A role to give; may be repeated.")] = None,
    attribute: Annotated[
        list[str] | None,
        Parameter(negative="", help="An attribute for row scopes, such as branch=North; may be repeated."),
    ] = None,
    full_name: Annotated[str | None, Parameter(help="The name shown for the user.")] = None,
    password_stdin: FromStandardInput = False,
) -> None:
    """Create a user. The first user needs the role Administrator.

    Asks for the password. Works before the first start: opens the store and updates its schema.

    For example:
      m user create ada@example.com --role Administrator
      m user create eve@example.com --role "Sales User" --role "Sales Manager" --attribute branch=North
      echo "$PASSWORD" | m user create ada@example.com --password-stdin
    """
    attributes = _attributes(attribute or [])
    password = _password(password_stdin)
    user = _run(
        lambda identity: identity.create(email, password, role or [], full_name=full_name, attributes=attributes)
    )
    print(escape_controls(f"created {user.email} {_with_roles(user)}"))


@app.command(name="list")
def list_users() -> None:
    """List all users with their roles.

    For example:
      m user list
    """
    users = _run(_all_users)
    if not users:
        print("there are no users yet: m user create ada@example.com --role Administrator")
    print_table(
        (user.email, "enabled" if user.enabled else "disabled", ", ".join(sorted(user.roles))) for user in users
    )


@app.command
def set_password(email: Email, /, *, password_stdin: FromStandardInput = False) -> None:
    """Replace a user's password and end all sessions of the user.

    For example:
      m user set-password ada@example.com
    """
    password = _password(password_stdin)
    user = _run(lambda identity: identity.set_password(email, password))
    print(f"{user.email} has a new password; all sessions were ended")


@app.command
def add_role(email: Email, role: Annotated[str, Parameter(help="The role to give.")], /) -> None:
    """Give a user another role.

    For example:
      m user add-role ada@example.com "Sales Manager"
    """
    user = _run(lambda identity: identity.add_role(email, role))
    print(escape_controls(f"{user.email} is now a user {_with_roles(user)}"))


@app.command
def set_attribute(
    email: Email,
    attribute: Annotated[
        list[str], Parameter(help="Such as branch=North; repeat the name for several values; branch= removes all.")
    ],
    /,
) -> None:
    """Set attributes of a user for row scopes, replacing the previous values of the same attributes.

    For example:
      m user set-attribute eve@example.com branch=North branch=South
      m user set-attribute eve@example.com branch=
    """
    attributes = _attributes(attribute)
    user = _run(lambda identity: identity.set_attributes(email, attributes))
    shown = " ".join(f"{name}={value}" for name, values in sorted(user.attributes.items()) for value in values)
    print(escape_controls(f"{user.email} has the attributes {shown}" if shown else f"{user.email} has no attributes"))


@app.command
def disable(email: Email, /) -> None:
    """Prevent a user from logging in and end all sessions of the user.

    For example:
      m user disable eve@example.com
    """
    user = _run(lambda identity: identity.disable(email, even_last_administrator=True))
    print(f"{user.email} is disabled; all sessions were ended")


@app.command
def enable(email: Email, /) -> None:
    """Allow a disabled user to log in again.

    For example:
      m user enable eve@example.com
    """
    user = _run(lambda identity: identity.enable(email))
    print(f"{user.email} is enabled")


def _run[R](work: Callable[[IdentityProtocol], Awaitable[R]]) -> R:
    """Call `work` with the identity provider of the app in this folder."""

    async def opened() -> R:
        async with open_application(needs_app=True) as application:
            return await work(application.container.get("identity"))

    try:
        return asyncio.run(opened())
    except EntityNotFoundError as error:
        raise EntityNotFoundError(f"{error}: `m user list` shows all users") from error


async def _all_users(identity: IdentityProtocol) -> list[Identity]:
    users: list[Identity] = []
    while page := await identity.list_users(after=users[-1].email if users else ""):
        users.extend(page)
    return users


def _attributes(given: Sequence[str]) -> dict[str, list[str]]:
    """Parse texts such as `branch=North` into values by name; without a value, the list is empty."""
    found: dict[str, list[str]] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or not name.strip():
            raise FrameworkError(f"expected an attribute such as branch=North, got {text!r}")
        found.setdefault(name.strip(), []).extend([value.strip()] if value.strip() else [])
    return found


def _password(from_standard_input: bool) -> str:
    if from_standard_input:
        return _one_line(sys.stdin.read(_MAX_CHARACTERS))
    if not sys.stdin.isatty():
        raise FrameworkError(
            "cannot ask for the password without a terminal: pass it on standard input with --password-stdin"
        )
    password = getpass.getpass("Password: ")
    if getpass.getpass("Repeat password: ") != password:
        raise FrameworkError("the two passwords differ, nothing was changed: try again")
    return password


def _one_line(given: str) -> str:
    """Return the one line on standard input. Raises FrameworkError for several."""
    line, _, rest = given.partition("\n")
    if rest:
        raise FrameworkError("expected one line with the password on standard input, got more; nothing was changed")
    return line.removesuffix("\r")


def _with_roles(user: Identity) -> str:
    if not user.roles:
        return "without a role"
    return f"with the role{'s' if len(user.roles) > 1 else ''} {', '.join(sorted(user.roles))}"
