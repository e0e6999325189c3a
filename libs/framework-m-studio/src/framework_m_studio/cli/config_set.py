"""`m config set`: write a setting after checking it."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.settings.check import check_setting, is_secret
from framework_m_core.bootstrap.settings.sources import config_file
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.redaction import HIDDEN, without_password
from framework_m_studio.settings_file import write_setting

__all__ = ["set_setting"]

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def set_setting(
    setting: Annotated[str, Parameter(help="The section and key, such as http.port.")],
    value: Annotated[str, Parameter(help="The value; list items separated by commas.", allow_leading_hyphen=True)],
    /,
) -> None:
    """Write a setting into framework_config.toml after checking that the app accepts it.

    Comments and layout are preserved. Write secrets as the name of a variable that holds them.

    For example:
      m config set http.port 8080
      m config set http.cors_origins https://a.example,https://b.example
      m config set auth.secret '${SHOP_SECRET}'
    """
    section, key = _parts(setting)
    written = _accepted(section, key, value)
    file = config_file(Path.cwd())
    write_setting(file, section, key, written)
    print(f"set [{section}] {key} in {file}")
    for name in _outranking(section, key):
        print(f"but {name} is set here, and overrides the file")
    for name in _unknown(value):
        print(f"but {name} is not set here: the app does not start without it")


def _parts(setting: str) -> tuple[str, str]:
    section, dot, key = setting.partition(".")
    if not (section and dot and key):
        raise ConfigurationError(
            f"{setting!r}: expected section and key, such as http.port; `m config show` lists them"
        )
    return section, key


def _accepted(section: str, key: str, value: str) -> Any:
    """Return the value to write. A value with variables is checked only if all of them are set."""
    names, known = _VARIABLE.findall(value), discovery.discover(Path.cwd())
    bare = _VARIABLE.sub(HIDDEN, value)
    if (is_secret(known, section, key) and not names) or without_password(bare) != bare:
        raise ConfigurationError(
            f"[{section}] {key} is a secret, which does not belong in the file: put it into a variable and write its "
            f"name: m config set {section}.{key} '${{{section.upper()}_{key.upper()}}}', in single quotes"
        )
    if not names:
        checked = check_setting(known, section, key, _given(value))
        return list(checked) if isinstance(checked, tuple) else checked
    if not _unknown(value):
        check_setting(known, section, key, _VARIABLE.sub(lambda found: os.environ[found[1]], value), given=value)
    return value


def _given(value: str) -> str | list[str]:
    """Return the items of a list, given with commas or as TOML."""
    if not value.startswith("["):
        return value
    try:
        items = tomllib.loads(f"items = {value}")["items"]
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f'{value!r} is no list: expected one such as a,b or ["a", "b"]') from error
    return [str(item) for item in items]


def _unknown(value: str) -> list[str]:
    return [name for name in _VARIABLE.findall(value) if name not in os.environ]


def _outranking(section: str, key: str) -> list[str]:
    names = [f"M_{section}__{key}".upper(), *(["DATABASE_URL"] if (section, key) == ("sql", "url") else [])]
    return [name for name in names if os.environ.get(name) is not None]
