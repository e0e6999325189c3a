"""`m adapter`: check the adapters of an installed package."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

from cyclopts import App, Parameter

from framework_m_core.bootstrap.plugins.discovery import version_of
from framework_m_core.cli.tables import print_table
from framework_m_studio.adapter_check import AdapterReport, check_package, open_sample_app

__all__ = ["app", "check"]

app = App(name="adapter", help="Check adapters: classes that serve a port of the framework.")


@app.command
def check(
    package: Annotated[str, Parameter(help="The name of an installed distribution, such as acme-cache.")], /
) -> None:
    """Check the adapters and variants that a package offers, without opening them; exit with 1 if any is wrong.

    Compared are entry points, methods and their parameters with the port's protocol, parameters of constructors with
    what the framework binds, and stores with their family. What methods do is checked by the contract suites of
    framework-m-testing.

    For example:
      m adapter check acme-cache
    """
    reports = asyncio.run(_check(package))
    print(f"{package} {version_of(package)}")
    print_table(
        [
            (report.port, report.choice.name, report.choice.value, "wrong" if report.errors else "ok")
            for report in reports
        ],
        indent="  ",
    )
    for report in reports:
        for kind, texts in (("error", report.errors), ("note", report.notes)):
            for text in texts:
                print(f"{kind}: {report.port} {report.choice.name}: {text}")
    if any(report.errors for report in reports):
        sys.exit(1)


async def _check(package: str) -> list[AdapterReport]:
    async with open_sample_app() as application:
        return check_package(package, application)
