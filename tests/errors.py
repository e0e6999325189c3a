"""What tests assert about errors and refusals: what they name. Sentences stand in the tables of messages alone."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["assert_names", "names_all"]


def names_all(text: object, *names: str) -> bool:
    """Return whether a text has every one of the names, each as a whole word."""
    return all(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", str(text)) for name in names)


def assert_names(told: object, *names: str) -> None:
    """Assert that an error, or one of several problems, names all of these: a DocType, a field, a setting, a value."""
    texts = [str(one) for one in told] if isinstance(told, Iterable) and not isinstance(told, str) else [str(told)]
    assert names, "expected the names that the text must have, got none"
    assert any(names_all(text, *names) for text in texts), f"expected {names} in one of {texts}"
