"""`m new`: create apps and DocTypes from templates."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from framework_m_core.domain.errors import ConfigurationError
from framework_m_studio.scaffolding.app import write_app
from framework_m_studio.scaffolding.doctype import NewDocType, write_doctype
from framework_m_studio.scaffolding.local_app import app_here
from framework_m_studio.scaffolding.names import app_name

__all__ = ["app", "new_app", "new_doctype"]

app = App(name="new", help="Create apps and DocTypes from templates.")


@app.command(name="app")
def new_app(
    name: Annotated[str, Parameter(help="Lower-case letters, digits and dashes, such as blue-shop.")],
    /,
    *,
    into: Annotated[
        Path | None, Parameter(help="The app's folder; default: a new one with its name in this folder.")
    ] = None,
    here: Annotated[bool, Parameter(negative="", help="Create the app in this folder, which must be empty.")] = False,
) -> None:
    """Create an app that can be started at once: a DocType, its controller and tests, and a Dockerfile.

    For example:
      m new app shop
      m new app blue-shop --into ~/work/shop
      m new app shop --here
    """
    if here and into is not None:
        raise ConfigurationError("expected one of --here and --into, got both")
    called = app_name(name)
    folder = Path() if here else into or Path(name)
    write_app(called, folder.expanduser().absolute())
    print(f"created the app {called.package} in {folder.absolute()}; next:\n")
    steps = [] if here else [f"cd {shlex.quote(str(folder))}"]
    steps += [f'm user create you@example.com --role "{called.title} Manager"', "m start"]
    for step in steps:
        print(f"  {step}")


@app.command(name="doctype")
def new_doctype(
    name: Annotated[str, Parameter(help="PascalCase, such as InvoiceItem.")],
    /,
    *,
    field: Annotated[list[str] | None, Parameter(negative="", help="A field as 'name: type'; may be repeated.")] = None,
    child: Annotated[bool, Parameter(negative="", help="Create a child table: rows of another DocType.")] = False,
    submittable: Annotated[bool, Parameter(negative="", help="Allow documents to be submitted.")] = False,
    app: Annotated[str | None, Parameter(help="The app, if the folder has several.")] = None,
) -> None:
    """Create a DocType in the app in this folder, with minimal permissions and a test.

    Types are str, int, float, bool, date, datetime, Decimal, UUID, dict, Literal['a', 'b'], the name of a DocType to
    link to, and list[Rows] of a child table; "| None" makes a field optional.

    For example:
      m new doctype Customer --field "full_name: str" --field "email: str | None"
      m new doctype InvoiceItem --child --field "description: str" --field "rate: Decimal"
      m new doctype Invoice --submittable --field "customer: Customer" --field "items: list[InvoiceItem]"
    """
    here = Path.cwd()
    for path in write_doctype(app_here(app), NewDocType(name, field or (), child, submittable)):
        print(f"wrote {path.relative_to(here) if path.is_relative_to(here) else path}")
    if child:
        print(f'a child table belongs to a parent, for example: m new doctype Order --field "lines: list[{name}]"')
    else:
        print(f"`m start` serves it at /api/v1/{name}; its Meta.permissions declare who may use it")
