"""Addresses of databases and services, as they may be shown."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

__all__ = ["HIDDEN", "without_password"]

HIDDEN: Final = "***"
"""What stands where a password was."""

_PARAMETER: Final = re.compile(r"(?P<name>[?&][^=&?]*)=[^&]*")
_SECRET: Final = re.compile("pass|pwd|secret|token|key|credential", re.IGNORECASE)
_ENDS_AUTHORITY: Final = re.compile("[/?#]")


def without_password(url: str) -> str:
    """An address with its password, and parameters that are named like one, hidden; other text as it is.

    A password that should have been encoded, with `@` or `/` in it, is hidden as a whole: rather too much than a part.
    """
    scheme, found, rest = url.partition("://")
    if not found:
        return url
    shown = _PARAMETER.sub(_without_secret, rest)
    login, _, place = shown.rpartition("@")
    user, _, password = login.partition(":")
    if password and not _ENDS_AUTHORITY.search(user):
        shown = f"{user}:{HIDDEN}@{place}"
    return f"{scheme}://{shown}"


def _without_secret(parameter: re.Match[str]) -> str:
    return f"{parameter['name']}={HIDDEN}" if _SECRET.search(unquote(parameter["name"])) else parameter[0]
