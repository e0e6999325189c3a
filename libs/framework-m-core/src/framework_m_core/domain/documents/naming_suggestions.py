"""What to write here for naming rules as other frameworks spell them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

__all__ = ["suggest_naming"]

_FORMAT: Final = "format:"
_BRACED: Final = re.compile(r"\{(\w+|#+)\}")
_SEPARATED: Final = re.compile(r"(\.|#+)")
_DATE_PARTS: Final = frozenset({"YYYY", "YY", "MM", "DD"})
_UNKNOWN_PARTS: Final = frozenset({"FY", "WW", "timestamp"})
_SERIES_FIELD: Final = "'{naming_series}.####', with a field naming_series that holds the text before the number"
_NO_NAME: Final = "leave Meta.naming out, and the name is the id, a UUID"
_ASK: Final = "write 'prompt', and who creates the document names it"
_WORDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("hash", "random", "uuid"), _NO_NAME),
    **dict.fromkeys(("prompt", "set by user"), _ASK),
    **dict.fromkeys(("naming_series", 'by "naming series" field', "series"), f"write {_SERIES_FIELD}"),
    **dict.fromkeys(("autoincrement", "auto_increment"), "write '#', a series of the bare numbers"),
    "by fieldname": "write 'field:<name>' with the field that holds the name",
    "by script": "write 'field:<name>' with a field that the hook before_insert sets",
    **dict.fromkeys(("expression", "expression (old style)", "format"), "write a series such as 'INV-.YYYY.-.####'"),
}
"""By what stands in Frappe's `autoname` and `naming_rule`, in lower case."""


def suggest_naming(pattern: str) -> str:
    """Return what to write for a rule of another framework, or "" if it is none that is known."""
    word = pattern.strip().lower().removesuffix(":").removesuffix(".")
    if word in _WORDS:
        return _WORDS[word]
    if pattern.lower().startswith(_FORMAT):
        return _suggest_series(pattern[len(_FORMAT) :])
    is_braced = _BRACED.search(pattern) and "." not in pattern and "#" not in _BRACED.sub("", pattern)
    return _suggest_series(pattern) if is_braced else ""


def _suggest_series(text: str) -> str:
    """Return a series for a text whose parts stand in braces."""
    pieces = [piece for place, one in enumerate(_BRACED.split(text)) for piece in _pieces(one, is_part=place % 2 == 1)]
    if len(pieces) == 1 and pieces[0].startswith("{"):
        return f"write 'field:{pieces[0][1:-1]}'"
    if sum(piece[0] == "#" for piece in pieces) > 1:
        return "write a series with one counter, such as 'INV-.YYYY.-.####'"
    if not any(piece[0] == "#" for piece in pieces):
        pieces += ["-", "####"] if pieces else ["####"]
    unknown = [piece for piece in pieces if piece[1:-1].upper() in {part.upper() for part in _UNKNOWN_PARTS}]
    noted = f", with {' and '.join(unknown)} a field that the hook before_insert sets" if unknown else ""
    return f"did you mean {'.'.join(pieces)!r}{noted}?"


def _pieces(text: str, *, is_part: bool) -> list[str]:
    if not is_part:
        return [piece for piece in _SEPARATED.split(text) if piece and piece != "."]
    if text in _DATE_PARTS or set(text) == {"#"}:
        return [text]
    return [f"{{{text.lower() if text in _UNKNOWN_PARTS else text}}}"]
