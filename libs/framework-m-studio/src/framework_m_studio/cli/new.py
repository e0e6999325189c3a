"""`m new`: create apps, DocTypes, adapters and variants from templates."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from framework_m_core.domain.errors import ConfigurationError
from framework_m_studio.scaffolding.adapter import PORTS, write_adapter
from framework_m_studio.scaffolding.app import write_app
from framework_m_studio.scaffolding.doctype import NewDocType, write_doctype
from framework_m_studio.scaffolding.local_app import find_local_app
from framework_m_studio.scaffolding.names import parse_app_name
from framework_m_studio.scaffolding.variants import VARIANTS, VariantName

__all__ = ["app", "new_adapter", "new_app", "new_doctype", "new_mx"]

app = App(name="new", help="Create apps, DocTypes, adapters and variants from templates.")


@app.command(name="app")
def new_app(
    name: Annotated[str, Parameter(help="Lower-case letters, digits and dashes, such as blue-shop.")],
    /,
    *,
    into: Annotated[
        Path | None, Parameter(help="The app's folder; default: a new one with its name in this folder.")
    ] = None,
    here: Annotated[bool, Parameter(negative="", help="Create the app in this folder, which must be empty.")] = False,
    variant: Annotated[
        VariantName, Parameter(help="The store that the app depends on: SQL databases or MongoDB.")
    ] = "sql",
) -> None:
    """Create an app that can be started at once: a DocType, its controller and tests, and a Dockerfile.

    For example:
      m new app shop
      m new app blue-shop --into ~/work/shop
      m new app shop --here
      m new app shop --variant mongo
    """
    if here and into is not None:
        raise ConfigurationError("expected one of --here and --into, got both")
    called = parse_app_name(name)
    folder = Path() if here else into or Path(name)
    write_app(called, folder.expanduser().absolute(), VARIANTS[variant])
    print(f"created the app {called.package} in {folder.absolute()}; next:\n")
    steps = [] if here else [f"cd {shlex.quote(str(folder))}"]
    steps += [f'm user create you@example.com --role "{called.title} Manager"', "m start"]
    for step in steps:
        print(f"  {step}")
    if remark := VARIANTS[variant].remark:
        print(f"\n{remark}")


@app.command(name="adapter")
def new_adapter(
    name: Annotated[str, Parameter(help="Lower-case letters, digits and dashes, such as acme-cache.")],
    /,
    *,
    port: Annotated[str, Parameter(help=f"The port that it serves: {', '.join(PORTS)}.")],
    into: Annotated[Path | None, Parameter(help="The package's folder; default: a new one with its name here.")] = None,
) -> None:
    """Create a package with an adapter that passes the contract of its port, to be made yours.

    For example:
      m new adapter acme-cache --port cache
    """
    _create_package(name, port, into, variant=False)


@app.command(name="mx")
def new_mx(
    name: Annotated[str, Parameter(help="Lower-case letters, digits and dashes, such as acme-mx.")],
    /,
    *,
    port: Annotated[str, Parameter(help=f"The port whose adapter it brings: {', '.join(PORTS)}.")] = PORTS[0],
    into: Annotated[Path | None, Parameter(help="The package's folder; default: a new one with its name here.")] = None,
) -> None:
    """Create a variant: a package that brings the framework with an adapter of its own, chosen by being installed.

    For example:
      m new mx acme-mx
    """
    _create_package(name, port, into, variant=True)


def _create_package(name: str, port: str, into: Path | None, *, variant: bool) -> None:
    called = parse_app_name(name, "a package")
    folder = into or Path(name)
    write_adapter(called, port, folder.expanduser().absolute(), variant=variant)
    print(
        f"created the package {called.package} in {folder.absolute()}; its README.md tells how to install and test it"
    )


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
    for path in write_doctype(find_local_app(app), NewDocType(name, field or (), child, submittable)):
        print(f"wrote {path.relative_to(here) if path.is_relative_to(here) else path}")
    if child:
        print(f'a child table belongs to a parent, for example: m new doctype Order --field "lines: list[{name}]"')
    else:
        print(f"`m start` serves it at /api/v1/{name}; its Meta.permissions declare who may use it")
