"""The pages and their generators."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from scripts.reference.access import access_page
from scripts.reference.commands import commands_page
from scripts.reference.configuration import configuration_page
from scripts.reference.doctypes import doctypes_page
from scripts.reference.errors import errors_page

__all__ = ["PAGES", "REFERENCE"]

REFERENCE: Final = Path(__file__).resolve().parents[2] / "docs" / "reference"

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "access.md": access_page,
    "cli.md": commands_page,
    "configuration.md": configuration_page,
    "doctypes.md": doctypes_page,
    "errors.md": errors_page,
}
