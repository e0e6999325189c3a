"""Redaction of secrets in URLs and texts before they are shown."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

__all__ = ["HIDDEN", "hide_password", "is_secret_name", "redact"]

HIDDEN: Final = "***"
"""The replacement for a secret."""

_PARAMETER: Final = re.compile(r"(?P<name>[?&][^=&?]*)=[^&]*")
_SECRET: Final = re.compile("pass|pwd|secret|token|key|credential", re.IGNORECASE)
_ENDS_AUTHORITY: Final = re.compile("[/?#]")
_SECRET_NAME: Final = re.compile(
    "passw|passphrase|^pass$|pwd|secret|token|credential|api.?key|authorization|cookie", re.IGNORECASE
)
_URL: Final = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s'\"<>]+")
_SCHEME: Final = re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE)
_NAMED: Final = re.compile(
    r"(?<![\w-])(?=(?:(?!SECRET)[\w-])*+SECRET)(?P<name>[\w-]++)"
    r"(?P<equals>=|[\"']\s*+[:,]\s*+(?:Secret(?:Str|Bytes)\()?)"
    r"(?P<value>b?\"(?:[^\"\\]|\\.)*+\"|b?'(?:[^'\\]|\\.)*+'|[^\s,;&)}\]]++)".replace(
        "SECRET", "(?:password|passwd|pwd|secret|token|api[_-]?key|authorization|cookie)"
    ),
    re.IGNORECASE,
)
"""A word with a secret's name in it, and its value; each word is read once, whatever follows it."""

_HEADER: Final = re.compile(r"(?im)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key):[^\r\n]+")
_INPUT: Final = re.compile(r"input_value=.{0,500}?(?=, input_type=)", re.DOTALL)


def hide_password(url: str) -> str:
    """Return a URL with its password and secret parameters hidden; other text unchanged.

    An unencoded password containing `@` or `/` is hidden as a whole, as too much is better than a part.
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


def is_secret_name(name: str) -> bool:
    """Return whether a value of this name is never shown.

    >>> is_secret_name("Authorization"), is_secret_name("key")
    (True, False)
    """
    return _SECRET_NAME.search(name) is not None


def redact(text: str) -> str:
    """Return a text, such as a log message or a traceback, without secrets recognizable by their form.

    This hides passwords in URLs, values of secret names, HTTP credentials, and input quoted by validation errors. When
    in doubt, it hides too much rather than too little.

    >>> redact("postgresql://ada:pw@db/crm refused password='x y'")
    'postgresql://ada:***@db/crm refused password=***'
    """
    text = _URL.sub(lambda found: hide_password(found[0]), text)
    text = _HEADER.sub(rf"\1: {HIDDEN}", text)
    text = _SCHEME.sub(rf"\1 {HIDDEN}", text)
    text = _NAMED.sub(rf"\g<name>\g<equals>{HIDDEN}", text)
    return _INPUT.sub(f"input_value={HIDDEN}", text)
