"""`cli.md`: every command of `m`, its options and its help."""

import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

from cyclopts import App, Argument

from framework_m_core.cli.error_lines import commands_of
from framework_m_core.cli.main import make_app
from scripts.reference.markdown import one_line, table

__all__ = ["commands_page"]

_MANY = "text, repeated"
_KINDS = {
    str: "text", int: "whole number", bool: "flag", UUID: "UUID", Path: "path", list[str]: _MANY, tuple[str, ...]: _MANY
}  # fmt: skip
_HEAD = """# Commands

Generated from the commands by `make reference`; `--help` prints the same. [The command line](../user/cli.md) explains
them.
"""


def commands_page() -> str:
    """Return the page of all commands, in alphabetical order."""
    lines = [_HEAD]
    for path in _paths():
        lines += _section(path)
    return "\n".join(lines)


def _paths(*above: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command that can be run."""
    app = _app(*above)
    if above and app.default_command:
        yield above
    for name in sorted(commands_of(app)):
        yield from _paths(*above, name)


def _app(*words: str) -> App:
    app = _with_command(*words[:1])
    for word in words:
        app = app[word]
    return app


@cache  # a second call would find the commands that other distributions add
def _with_command(*word: str) -> App:
    return make_app(*word)


def _section(path: tuple[str, ...]) -> Iterator[str]:
    app = _app(*path)
    arguments = [found for found in app.assemble_argument_collection() if found.show and found.parse]
    text, _, examples = (inspect.getdoc(app.default_command) or "").partition("\n\nFor example:\n")
    yield f"## `{' '.join(['m', *path, *(_place(found) for found in arguments if _is_positional(found))])}`"
    yield ""
    for paragraph in text.split("\n\n"):
        yield one_line(paragraph)
        yield ""
    if arguments:
        yield from table(["", "type", "default", "description"], map(_row, arguments))
        yield ""
    if examples:
        yield "```text"
        yield from (line.removeprefix("  ") for line in examples.splitlines())
        yield "```"
        yield ""


def _is_positional(found: Argument) -> bool:
    return found.field_info.kind in {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL}


def _place(found: Argument) -> str:
    name = found.names[0].lstrip("-").upper()
    if found.field_info.kind is inspect.Parameter.VAR_POSITIONAL:
        return f"[{name}…]"
    return name if found.required else f"[{name}]"


def _row(found: Argument) -> tuple[str, str, str, str]:
    names = _place(found) if _is_positional(found) else "`, `".join(dict.fromkeys(found.names))
    return (
        f"`{names}`",
        _kind(found.hint),
        _default(found.field_info.default),
        one_line(str(found.parameter.help or "")),
    )


def _kind(hint: Any) -> str:
    if get_origin(hint) in {Union, UnionType}:
        return " or ".join(_kind(part) for part in get_args(hint) if part is not NoneType)
    if get_origin(hint) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(hint))
    return _KINDS[hint]


def _default(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else ""
    return f"`{value}`" if isinstance(value, (str, int)) else ""
