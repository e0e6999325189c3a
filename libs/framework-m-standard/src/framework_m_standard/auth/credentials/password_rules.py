"""What a new password must be: long enough, and none of those that are tried first.

`common_passwords.txt` has the thousand most frequent ones of eight characters or more, from zxcvbn's lists (MIT).
"""

from __future__ import annotations

import re
import unicodedata
from importlib.resources import files
from typing import Final

from framework_m_core.domain.errors import FieldError, ValidationError

__all__ = ["MAX_LENGTH", "MIN_LENGTH", "check_strength", "normalize_password"]

MIN_LENGTH, MAX_LENGTH = 8, 1024

_COMMON: Final = frozenset(files(__package__).joinpath("common_passwords.txt").read_text("utf-8").split())
_NO_LETTERS: Final = re.compile(r"[\W\d_]+")
_AROUND: Final = re.compile(r"^[\W\d_]+|[\W\d_]+$")


def normalize_password(password: str) -> str:
    """Return the text that is hashed (NFKC): the same for the same letters, however a keyboard composed them."""
    return unicodedata.normalize("NFKC", password)


def check_strength(password: str, email: str = "") -> None:
    """Raise ValidationError for a password that is too short, too long, common, or part of the user's address.

    What counts is the text that is hashed.
    """
    if len(password) <= MAX_LENGTH:
        password = normalize_password(password)
    length = len(password)
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        code = "too_short" if length < MIN_LENGTH else "too_long"
        message = f"expected a password of {MIN_LENGTH} to {MAX_LENGTH} characters, got {length}"
        params = {"min_length": MIN_LENGTH, "max_length": MAX_LENGTH}
        raise ValidationError(message, [FieldError("password", code, message, params)])
    folded = password.casefold()
    if folded in _COMMON or {folded, _AROUND.sub("", folded)} & _parts(normalize_password(email).casefold()):
        error = FieldError("password", "too_common")
        raise ValidationError(error.message, [error])


def _parts(email: str) -> set[str]:
    """Return an address, its two sides, and the words in it."""
    return {email, *email.split("@"), *_NO_LETTERS.split(email)} - {""}
