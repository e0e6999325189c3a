"""A strategy for the source of apps: DocTypes with fields, links, rows, options, hooks and calls, sound and unsound."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from .vocabulary import (
    _ACTIONS,
    _COMMON_TYPES,
    _DOCTYPES,
    _FIELDS,
    _FITTING,
    _FUNCTIONS,
    _HOOKS,
    _INDEXABLE,
    _KEYWORDS,
    _MEMBERS,
    _ODD_DOCTYPES,
    _ODD_FIELDS,
    _OPTIONS,
    _ROLES,
    _ROWS,
    _SCOPES,
    _SOUND_KEYWORDS,
    _TYPES,
    HEADER,
)

__all__ = ["AppSource", "app_sources"]


@dataclass(frozen=True)
class AppSource:
    """The module of an app, shown as it would be written."""

    text: str

    def __repr__(self) -> str:
        return f"\n{self.text.removeprefix(HEADER)}"


@st.composite
def app_sources(draw: DrawFn) -> AppSource:
    """Draw an app, mostly of sound parts, so that every second one or so starts."""
    oddity = draw(st.sampled_from((0, 0, 1, 10)))
    rows = "".join(_doctype(draw, name, oddity, row=True) for name in _ROWS)
    names = [_odd(draw, oddity, _DOCTYPES[at : at + 1], _ODD_DOCTYPES) for at in range(draw(st.integers(1, 3)))]
    documents = "".join(_doctype(draw, name, oddity) for name in names)
    functions = _some(draw, _FUNCTIONS, 1) if oddity else [*_FUNCTIONS[:1]] * draw(st.integers(0, 1))
    return AppSource("\n\n".join([HEADER, rows, documents, *functions]))


def _odd(draw: DrawFn, oddity: int, usual: tuple[str, ...], odd: tuple[str, ...]) -> str:
    """Draw one of the usual, or with a probability of `oddity` in a hundred, of the odd."""
    return draw(st.sampled_from(odd if draw(st.integers(0, 99)) < oddity else usual))


def _some(draw: DrawFn, known: tuple[str, ...], maximum: int) -> list[str]:
    return draw(st.lists(st.sampled_from(known), max_size=maximum, unique=True))


def _doctype(draw: DrawFn, name: str, oddity: int, row: bool = False) -> str:
    fields = draw(st.lists(st.sampled_from(_FIELDS), min_size=1, max_size=6, unique=True))
    if draw(st.integers(0, 99)) < 3 * oddity:
        fields.append(draw(st.sampled_from(_ODD_FIELDS)))
    lines = [_field(draw, field, oddity, row) for field in fields]
    members = _some(draw, _MEMBERS, 1) if draw(st.integers(0, 99)) < 3 * oddity else []
    options = _options(draw, oddity, row)
    meta = f"\n    class Meta:\n{''.join(f'        {option}\n' for option in options)}" if options else ""
    controller = ""
    if oddity and not row and draw(st.booleans()):
        controller = (
            f"\n\nclass {name}Controller(Controller[{name}]):\n{''.join(_some(draw, _HOOKS, 2)) or '    pass\n'}"
        )
    return f"\n\nclass {name}(DocType):\n{''.join(lines)}{''.join(members)}{meta}{controller}"


def _field(draw: DrawFn, name: str, oddity: int, row: bool) -> str:
    usual = tuple(kind for kind in _COMMON_TYPES if not (row and kind.startswith("list[Row")))
    kind = _odd(draw, 2 * oddity, usual, tuple(_TYPES))
    values = _TYPES[kind]
    given = _keywords(draw, kind, oddity)
    nullable = draw(st.booleans()) and not kind.startswith("list[Row")
    default = draw(st.sampled_from(("none", "null" if nullable else "none", "value")))
    shown = f"{kind} | None" if nullable and kind not in ("Any", "None", "object", '"str"') else kind
    if default == "value" and "link" not in given:
        given["default"] = _odd(draw, oddity, values[:1], values)
    elif default == "null" and "default_factory" not in given:
        given["default"] = "None"
    if given.get("fetch_from"):
        given["default"], shown = "None", shown if "| None" in shown else f"{kind} | None"
    if "default_factory" in given:
        given.pop("default", None)
    if not given:
        return f"    {name}: {shown}\n"
    return f"    {name}: {shown} = Field({', '.join(f'{key}={value}' for key, value in given.items())})\n"


def _keywords(draw: DrawFn, kind: str, oddity: int) -> dict[str, str]:
    keywords = _some(draw, (*_SOUND_KEYWORDS, *_fitting(kind)), 2)
    if draw(st.integers(0, 99)) < 3 * oddity:
        keywords.append(draw(st.sampled_from([*_KEYWORDS])))
    given = {key: _odd(draw, 2 * oddity, _KEYWORDS[key][:1], _KEYWORDS[key]) for key in keywords}
    if "index" in given and kind not in _INDEXABLE:
        del given["index"]
    if kind == "Decimal":
        given["scale"] = _odd(draw, oddity, ("0", "2", "17"), _KEYWORDS["scale"])
    return given


def _fitting(kind: str) -> tuple[str, ...]:
    return _FITTING.get(kind, ())


def _options(draw: DrawFn, oddity: int, row: bool) -> list[str]:
    if row:
        return ["is_child_table = True"] + (_stated(draw, oddity) if draw(st.integers(0, 99)) < oddity else [])
    return _stated(draw, oddity) + ([f"permissions = {_permissions(draw, oddity)}"] if draw(st.booleans()) else [])


def _stated(draw: DrawFn, oddity: int) -> list[str]:
    sound = ("rls_field", "naming", "submittable", "api_resource", "label", "module")
    options = _some(draw, sound, 2)
    if draw(st.integers(0, 99)) < 3 * oddity:
        options.append(draw(st.sampled_from([*_OPTIONS])))
    return [f"{key} = {_option(draw, key, oddity)}" for key in options]


def _option(draw: DrawFn, key: str, oddity: int) -> str:
    usual = _OPTIONS[key][:2] if key != "naming" else ("None", '"prompt"', '"A-.####"', '"A-.YYYY.-.##"', '"##"')
    return _odd(draw, 2 * oddity, usual, _OPTIONS[key])


def _permissions(draw: DrawFn, oddity: int) -> str:
    actions = _actions(draw, oddity)
    return "{" + ", ".join(f"{action}: {_granted(draw, oddity)}" for action in dict.fromkeys(actions)) + "}"


def _actions(draw: DrawFn, oddity: int) -> list[str]:
    return [_odd(draw, oddity, _ACTIONS[:6], _ACTIONS) for _ in range(draw(st.integers(0, 4)))]


def _granted(draw: DrawFn, oddity: int) -> str:
    roles = [_odd(draw, oddity, _ROLES[:3], _ROLES) for _ in range(draw(st.integers(0, 2)))]
    if draw(st.booleans()):
        return f"[{', '.join(roles)}]"
    return "{" + ", ".join(f"{role}: {_odd(draw, 2 * oddity, ('"all"',), _SCOPES)}" for role in roles) + "}"
