"""Rendering of the templates of this distribution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["has_template", "render", "render_folder"]

_SUFFIX: Final = ".jinja"
_PLACEHOLDER: Final = "__package__"
_HIDDEN: Final = {name: f".{name}" for name in ("gitignore", "dockerignore", "pre-commit-config.yaml")}
"""Dotfiles, stored without the dot because packaging tools would omit them from the wheel."""


def render(template: str, **values: Any) -> str:
    """Render one template."""
    return _environment().get_template(template + _SUFFIX).render(version=version("framework-m-core"), **values)


def has_template(template: str) -> bool:
    """Return whether there is a template of this path."""
    return template + _SUFFIX in _environment().list_templates()


def render_folder(folder: str, package: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the path and text of each file that the templates of a folder produce for a package."""
    for template in _environment().list_templates(extensions=[_SUFFIX.removeprefix(".")]):
        place, _, rest = template.partition("/")
        if place == folder:
            path = rest.removesuffix(_SUFFIX).replace(_PLACEHOLDER, package)
            yield _HIDDEN.get(path, path), render(template.removesuffix(_SUFFIX), **values)


def _environment() -> Environment:
    # The output is source code, not markup: escaping would insert entities.
    return Environment(
        loader=PackageLoader("framework_m_studio"),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
