"""`doctypes.md`: the keywords of `Field` and the options of `Meta`."""

import inspect
from collections.abc import Iterator
from typing import Any, get_overloads

from framework_m_core.domain.documents.actions import ACTIONS
from framework_m_core.domain.documents.meta import MetaOptions
from framework_m_core.domain.fields.field import KEYWORDS, Field
from scripts.reference.markdown import bullets, table

__all__ = ["doctypes_page"]

_HEAD = """# Keywords and options of DocTypes

Generated from `Field` and the model of the options by `make reference`. [DocTypes](../user/doctypes.md) and
[permissions](../user/permissions.md) explain them. The app does not start with an unknown keyword or option.

## Keywords of `Field`
"""
_PYDANTICS = """
With pydantic's meaning: {names}.

## Options of `Meta`
"""


def doctypes_page() -> str:
    """Return the page of keywords, options and actions."""
    stated = inspect.signature(get_overloads(Field)[-1], eval_str=False).parameters
    effects = bullets(Field)
    ours = [*KEYWORDS, "ext"]
    assert ours == [name for name in stated if name in effects]
    theirs = [f"`{name}`" for name in stated if name not in effects]
    keywords = ([f"`{name}`", _typed(stated[name].annotation), effects[name]] for name in ours)
    actions = ", ".join(f"`{action}`" for action in ACTIONS)
    return "\n".join(
        [
            _HEAD,
            *table(["keyword", "type", "effect"], keywords),
            _PYDANTICS.format(names=", ".join(theirs)),
            *table(["option", "default", "effect"], _options()),
            "",
            f"The actions of `permissions` are {actions}.",
            "",
        ]
    )


def _options() -> Iterator[list[str]]:
    effects = bullets(MetaOptions)
    assert effects.keys() == MetaOptions.model_fields.keys()
    for name, info in MetaOptions.model_fields.items():
        default: Any = info.get_default(call_default_factory=True)
        yield [f"`{name}`", f"`{default!r}`", effects[name]]


def _typed(annotation: str) -> str:
    return f"`{annotation.removesuffix(' | None')}`"
