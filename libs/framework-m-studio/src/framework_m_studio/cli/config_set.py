"""`m config set`: write a setting after checking it."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from framework_m_core.bootstrap.application import find_known_roles, refuse_unknown_roles
from framework_m_core.bootstrap.plugins import discovery
from framework_m_core.bootstrap.plugins.discovery import Discovered
from framework_m_core.bootstrap.plugins.trusted_folders import make_importable
from framework_m_core.bootstrap.settings.check import check_setting, is_secret_setting
from framework_m_core.bootstrap.settings.paths import KeyPath, format_path, variable_of
from framework_m_core.bootstrap.settings.sources import find_config_file
from framework_m_core.domain.errors import ConfigurationError
from framework_m_core.domain.redaction import HIDDEN, hide_password
from framework_m_core.interfaces.bootstrap import ROLES
from framework_m_studio.settings_file import write_setting

__all__ = ["set_setting"]

_ROLES: Final = ("framework", ("roles",))
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def set_setting(
    setting: Annotated[str, Parameter(help="The section and key, such as http.port; a key in a table after a dot.")],
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
    section, path = _parts(setting)
    written = _accepted(section, path, value)
    file = find_config_file(Path.cwd())
    write_setting(file, (section, *path), written)
    print(f"set [{section}] {format_path(path)} in {file}")
    for name in _outranking(section, path):
        print(f"but {name} is set here, and overrides the file")
    for name in _unknown(value):
        print(f"but {name} is not set here: the app does not start without it")


def _parts(setting: str) -> tuple[str, KeyPath]:
    section, *path = setting.split(".")
    if not (section and path and all(path)):
        raise ConfigurationError(
            f"{setting!r}: expected section and key, such as http.port; `m config show` lists them"
        )
    return section, (*path,)


def _accepted(section: str, path: KeyPath, value: str) -> Any:
    """Return the value to write. A value with variables is checked only if all of them are set."""
    variable = "_".join((section, *path)).upper()
    names, known = _VARIABLE.findall(value), make_importable(discovery.discover(Path.cwd()), os.environ)
    bare = _VARIABLE.sub(HIDDEN, value)
    if (is_secret_setting(known, section, path) and not names) or hide_password(bare) != bare:
        raise ConfigurationError(
            f"[{section}] {format_path(path)} is a secret, which does not belong in the file: put it into a variable "
            f"and write its name: m config set {format_path((section, *path))} '${{{variable}}}', in single quotes"
        )
    if not names:
        checked = check_setting(known, section, path, _given(value))
        if (section, path) == _ROLES:
            _check_roles(known, checked)
        return list(checked) if isinstance(checked, tuple) else checked
    if not _unknown(value):
        check_setting(known, section, path, _VARIABLE.sub(lambda found: os.environ[found[1]], value), given=value)
    return value


def _check_roles(discovered: Discovered, roles: Sequence[str]) -> None:
    """Raise ConfigurationError for a role that no step has. The rest is not imported for the framework's own roles."""
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        refuse_unknown_roles(unknown, find_known_roles(discovered))


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


def _outranking(section: str, path: KeyPath) -> list[str]:
    names = [variable_of(section, path), *(["DATABASE_URL"] if (section, *path) == ("sql", "url") else [])]
    return [name for name in names if os.environ.get(name) is not None]
