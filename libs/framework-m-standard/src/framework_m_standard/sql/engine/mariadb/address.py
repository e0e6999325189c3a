"""The address of a MariaDB database: `mariadb://user:password@host:port/database?ssl_ca=…`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

__all__ = ["parse_address"]

_PARAMETERS: Final = ("socket", "ssl", "ssl_ca")
_FLAGS: Final[Mapping[str, bool]] = {"true": True, "1": True, "false": False, "0": False}


def parse_address(url: str) -> dict[str, Any]:
    """Return the driver's arguments for an address. Raises ValueError, without the password, if it is malformed."""
    try:
        parts = urlsplit(url)
        port = parts.port or 3306
    except ValueError:
        raise ValueError("expected a host and a port in numbers: percent-encode special characters") from None
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(given.keys() - set(_PARAMETERS)):
        raise ValueError(f"expected of the parameters {', '.join(_PARAMETERS)}, got {', '.join(unknown)}")
    database = unquote(parts.path.removeprefix("/"))
    if not database:
        raise ValueError("expected a database after the host, as in mariadb://user@host/database")
    arguments: dict[str, Any] = {"host": parts.hostname or "127.0.0.1", "port": port, "database": database}
    if parts.username:
        arguments["user"] = unquote(parts.username)
    if parts.password:
        arguments["password"] = unquote(parts.password).encode()
    if given.get("socket"):
        arguments["unix_socket"] = given["socket"]
    if ssl := _ssl(given):
        arguments["ssl"] = ssl
    return arguments


def _ssl(given: Mapping[str, str]) -> Mapping[str, str] | bool:
    """Return what the driver expects: a file of authorities by which the server is verified, or True."""
    if given.get("ssl_ca"):
        return {"ca": given["ssl_ca"]}
    wanted = given.get("ssl", "false").lower()
    if wanted not in _FLAGS:
        raise ValueError(f"expected ssl=true or ssl=false, got ssl={wanted}")
    return _FLAGS[wanted]
