"""Names of documents: their one written form, and characters that no name has."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from uuid import UUID

__all__ = ["find_hidden_character", "is_uuid", "normalize_email", "normalize_name", "normalize_text"]

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that nobody sees: controls, format characters, surrogates, line and paragraph separators."""

_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufdd0-\ufdef\U000e0000-\U000e0fff]"
)
"""Characters of other categories that nobody sees either: blank letters, variation selectors and what Unicode calls
ignorable by default, and those that stand for no character."""

_JOINERS: Final = frozenset({"\u200c", "\u200d"})
"""What Persian and Indian scripts need between their letters."""

_JOINED: Final = range(0x0590, 0x1E00)
"""Where scripts begin that have joiners, and those of Latin, Greek and Cyrillic letters end."""

_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""The form in which ids are served."""


def normalize_text(text: str) -> str:
    """Return a text composed (NFC), so that what looks the same is the same."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def normalize_name(name: str) -> str:
    """Return a name as it is stored: composed, without blanks at its ends."""
    return normalize_text(name).strip()


def normalize_email(email: str) -> str:
    """Return an address as it is stored: a name in lower case."""
    return normalize_text(normalize_name(email).lower())


def is_uuid(text: str) -> bool:
    """Return whether a text is an id, in any form that ids are read in, which no name has."""
    if _ID.fullmatch(text):
        return True
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def find_hidden_character(text: str) -> str | None:
    """Return the code point, such as U+200B, of the first character that a name cannot have, or None."""
    if text.isascii() and text.isprintable():
        return None
    for place, character in enumerate(text):
        is_hidden = unicodedata.category(character) in _HIDDEN or _stands_for_nothing(character)
        if is_hidden and not (_joins_letters(text, place) or _styles_symbol(text, place)):
            return f"U+{ord(character):04X}"
    return None


def _stands_for_nothing(character: str) -> bool:
    return _BLANK.match(character) is not None or ord(character) & 0xFFFE == 0xFFFE


def _styles_symbol(text: str, place: int) -> bool:
    """Return whether a character makes a picture of the symbol before it, as keyboards add it."""
    return text[place] == "\ufe0f" and place > 0 and unicodedata.category(text[place - 1]) == "So"


def _joins_letters(text: str, place: int) -> bool:
    around = text[place - 1 : place] + text[place + 1 : place + 2]
    return text[place] in _JOINERS and len(around) == 2 and all(map(_may_be_joined, around))


def _may_be_joined(character: str) -> bool:
    return ord(character) in _JOINED and unicodedata.category(character)[0] in "LM"
