"""What declarations of a generated app are made of, sound and odd."""

from __future__ import annotations

from framework_m_core.domain.documents.actions import ACTIONS

HEADER = '''"""A generated app."""

from collections import OrderedDict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal, Optional
from uuid import UUID

from pydantic import computed_field, field_validator

from framework_m import (
    And, Comparison, Controller, CurrentUser, DocCreated, DocType, Documents, Field, Not, Now, Today, UserAttribute, on,
    requires_permission, rpc, whitelist,
)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Size(IntEnum):
    SMALL = 1
    LARGE = 2


class Mixed(Enum):
    TEXT = "a"
    NUMBER = 1
'''

_DOCTYPES = ("Alpha", "Beta", "Gamma")
_ROWS = ("Row", "Line")
_ODD_DOCTYPES = ("User", "Order", "lower", "Alpha_B", "ALPHA", "A" * 41, "Ärger", "ActivityLog", "Index", "A")
_FIELDS = ("title", "code", "amount", "when", "target", "flag", "size", "other", "note", "rows")
_ODD_FIELDS = (
    "id", "name", "owner", "order", "group", "select", "xmin", "rowid", "a__b", "_x", "x_", "A", "é", "x" * 41, "json",
    "copy", "schema", "model_config", "model_dump", "dict", "limit", "fields", "self", "type", "doc", "parent", "idx",
    "modified", "docstatus", "version", "deleted_at", "table", "user", "index", "default", "values",
    "class_var", "Meta",
)  # fmt: skip
_TYPES = {
    "str": ('""', '"a"', '"é\\n"', '"x" * 300', "5", '"\\0"'),
    "int": ("0", "-5", "2**63", "True", '"1"'),
    "float": ("0.0", "1.5", "1", 'float("nan")', 'float("inf")'),
    "bool": ("False", "True", "0"),
    "datetime": ("datetime(2026, 1, 1, tzinfo=UTC)", "datetime(2026, 1, 1)", "datetime.max"),
    "date": ("date(2026, 1, 1)", "date.max", "date.min", "datetime(2026, 1, 1)"),
    "Decimal": ('Decimal("1.5")', "Decimal(0)", 'Decimal("1.123")', 'Decimal("NaN")', 'Decimal("1e30")', "0.5"),
    "UUID": ("UUID(int=1)", '"a"'),
    "bytes": ('b""', 'b"a"', '"a"'),
    'Literal["red", "blue"]': ('"red"', '"green"'),
    "Literal[1, 2]": ("1",),
    "Colour": ("Colour.RED", '"red"', '"green"'),
    "Size": ("Size.SMALL", "1", "3"),
    "Mixed": ("Mixed.TEXT",),
    "list[str]": ("[]", '["a"]', "[1]", '["\\0"]'),
    "list[int]": ("[]", "[1]", "[2**64]"),
    "list[Colour]": ("[]", "[Colour.RED]"),
    "list[Any]": ("[]", "[{}]", "[object()]"),
    "list[float]": ("[]", "[1.5]"),
    "list[list[str]]": ("[]", '[["a"]]'),
    "list[Decimal]": ("[]",),
    "list[Literal['a']]": ("[]", "['a']"),
    "list[str | None]": ("[]", "[None]"),
    "list[bool]": ("[]", "[True]"),
    "dict[str, Any]": ("{}", '{"a": 1}', "{1: 2}"),
    "dict[str, int]": ("{}", '{"a": 1}', '{"a": "b"}'),
    "dict[int, str]": ("{}",),
    "dict": ("{}",),
    "list": ("[]",),
    "Any": ("1", "[]", "object()"),
    "set[str]": ("set()",),
    "tuple[int, ...]": ("()",),
    "timedelta": ("timedelta(1)",),
    "time": ("time(1)",),
    "complex": ("1j",),
    "int | str": ("1",),
    "Optional[str]": ("None", '"a"'),
    "Annotated[str, Field(max_length=5)]": ('"a"', '"abcdef"'),
    "Annotated[int, Field(ge=1)]": ("1", "0"),
    "list[Row]": ("[]",),
    "list[Line]": ("[]",),
    "list[Alpha]": ("[]",),
    "list[Row] | None": ("None", "[]"),
    "object": ("None",),
    '"str"': ('"a"',),
    "None": ("None",),
    "type": ("str",),
}
_COMMON_TYPES = (
    "str", "int", "float", "bool", "datetime", "date", "Decimal", "UUID", "bytes", 'Literal["red", "blue"]', "Colour",
    "Size", "list[str]", "list[int]", "dict[str, Any]", "Any", "list[Row]", "Annotated[str, Field(max_length=5)]",
)  # fmt: skip
_KEYWORDS = {
    "unique": ("True", "False", '"yes"'),
    "index": ("True", "1"),
    "in_list": ("True",),
    "read_only": ("True",),
    "set_once": ("True",),
    "no_copy": ("True",),
    "allow_on_submit": ("True",),
    "permlevel": ("0", "1", "-1", "7", '"1"', "True"),
    "sensitive": ("True",),
    "scale": ("0", "2", "17", "18", "-1", "True", "None"),
    "link": ('"Alpha"', '"Beta"', '"Gamma"', '"Nope"', '"Row"', '""', "Ellipsis", '"User"'),
    "fetch_from": ('"target.title"', '"target.name"', '"target.id"', '"other.target"', '"nope.title"', '"target"',
                   '"target."', '".title"', '"a.b.c"', '"target.owner"', '"target.rows"'),
    "label": ('"A label"', '""', '"<b>"', '"\\0"', '"\\ud800"'),
    "ext": ("{}", '{"nope": 1}', '"x"', "[]"),
    "min_length": ("0", "1", "-1", "9"),
    "max_length": ("0", "5", "300"),
    "pattern": ('"^[a-z]+$"', '"["', '"(?<=a)b"', '"(a+)+$"'),
    "ge": ("0", "5", '"a"', "Decimal(1)", "date(2026, 1, 1)", 'float("nan")'),
    "gt": ("0", "2**70"),
    "le": ("9", "-1", "datetime(2026, 1, 1)"),
    "lt": ("9",),
    "multiple_of": ("2", "0", "0.1", "-1"),
    "title": ('"A title"', '"\\0"'),
    "description": ('"Text"', '"\\ud800"'),
    "examples": ('["a"]', "[object()]", '"a"'),
    "json_schema_extra": ('{"x": 1}', "{'link': 'Alpha'}", "lambda schema: None", '{"scale": "a"}', '{"type": "x"}'),
    "exclude": ("True",),
    "frozen": ("True",),
    "alias": ('"b"',),
    "validation_alias": ('"b"',),
    "strict": ("True",),
    "discriminator": ('"x"',),
    "validate_default": ("True",),
    "deprecated": ("True", '"use other"'),
    "allow_inf_nan": ("True", "False"),
    "max_digits": ("3", "0"),
    "decimal_places": ("1", "5"),
    "union_mode": ('"smart"',),
    "fail_fast": ("True",),
    "coerce_numbers_to_str": ("True",),
    "init": ("False",),
    "repr": ("False",),
    "default_factory": ("list", "dict", "Today(days=1)", "Now()", "CurrentUser()",
                        "lambda: None", "lambda: 'a'", "lambda: 1",
                        "lambda: 1 / 0", "lambda data: data['title']", "5", "lambda: {1j}"),
    "uniqe": ("True",),
}  # fmt: skip
_SCOPES = (
    '"all"', '"own"', '"none"', "5", 'Comparison("title", "eq", "a")', 'Comparison("owner", "eq", UserAttribute("id"))',
    'Comparison("amount", "gt", 1)', 'Comparison("amount", "gt", "a")', 'Comparison("nope", "eq", 1)',
    'Comparison("when", "between", (1, 2))', 'Not(Comparison("title", "ne", UserAttribute("team")))',
    'And((Comparison("flag", "is_null", True), Comparison("code", "in", ("a", "b"))))', "And(())", "Not(And(()))",
    'Comparison("title", "like", "a\\\\")', 'Comparison("title", "nope", 1)',
    'Comparison("target", "in", UserAttribute("x"))', 'Comparison("flag", "eq", UserAttribute("x"))',
    'Comparison("size", "ne", UserAttribute("x"))', 'Comparison("title", "eq", "\\0")',
    'Comparison("title", "eq", None)', 'Comparison("owner", "eq", None)',
    'Comparison("title", "eq", "\\ud800")', 'Comparison("amount", "eq", 10**30)', 'Comparison("rows", "is_null", True)',
)  # fmt: skip
_ROLES = ('"Clerk"', '"Boss"', '"Guest"', '"Administrator"', '""', "5", '"a b"', '"é"', '"\\0"')
_ACTIONS = (*(f'"{name}"' for name in (*ACTIONS, "nope")), "5")
_OPTIONS = {
    "rls_field": ('"owner"', "None", '"title"', '"nope"', '"amount"', "5", '"target"', '"rows"', '"id"', '"flag"'),
    "field_levels": ('{1: {"read": ["Boss"], "write": ["Boss"]}}', "{1: {}}", '{"1": {"read": ["Boss"]}}', "{0: {}}",
                     "[]", '{1: {"nope": []}}', '{-1: {"read": ["Boss"]}}', '{1: {"read": "Boss"}}'),
    "naming": ("None", '"prompt"', '"field:title"', '"field:code"', '"field:nope"', '"A-.####"', '"A-.YYYY.-.##"',
               '"##"', '"A"', '""', '"A-.{title}.-.##"', '"A-.{when}.##"', '"A-.{rows}.##"', '"A-##"', '"A.#.B.#"', "5",
               '"field:"', '"A-.' + "#" * 40 + '"', '"' + "A" * 300 + '.##"', '"A/.##"', '"\\0.##"', '"\\ud800.##"',
               '"A-.{amount}.##"', '"A-.{flag}.-.{size}.##.{code}"', '".##"', '" .##"', '"{target}.##"'),
    "rename_with_field": ("True", "False"),
    "title_field": ('"title"', '"code"', '"nope"', '"rows"', '"amount"', '"name"', "5", '""'),
    "indexes": ('(("title",),)', '(("title", "code"),)', '("title",)', '(("nope",),)', '(("title", "title"),)', "((),)",
                '(("rows",),)', '"title"', '(("title", "code", "note"),)', '(("title",), ("title",))', '(("id",),)',
                '(("owner", "modified"),)', '(("name",),)', '(("deleted_at",),)', '(("docstatus",),)'),
    "unique_together": ('(("title", "code"),)', '(("title",),)', '(("nope",),)', "((),)", '(("amount", "when"),)',
                        '(("title", "title"),)', '(("name", "title"),)', '(("target", "size"),)', '(("id", "title"),)'),
    "order_by": ('("title",)', '("-amount", "title")', '("rows",)', '("nope",)', '"title"', "()",
                 '("title", "-title")'),
    "default_filters": ('{"title": "a"}', '{"flag": True}', '{"amount__gt": 1}', '{"nope": 1}', '{"size": "a"}', "5",
                        '{"when__between": [1]}', '{"title__in": ["a", "b"]}', '{"target": None}',
                        '{"other__has": "x"}'),
    "submittable": ("True", "False", '"yes"', "5"),
    "is_child_table": ("True", "False", '"x"'),
    "api_resource": ("True", "False", "None"),
    "overrides": ("True",),
    "label": ('"A label"', '""', "5", '"\\ud800"'),
    "module": ('"Selling"', '""', "5", '"\\0"'),
    "ext": ("{}", '{"nope": 1}', "5"),
    "nope": ("1",),
    "indices": ("()",),
}  # fmt: skip


def _blocks(text: str) -> tuple[str, ...]:
    """Return the parts of a text between empty lines."""
    return tuple(block.strip("\n") + "\n" for block in text.split("\n\n"))


_HOOKS = _blocks(
    """
    async def validate(self) -> None:
        self.doc.id

    async def before_save(self) -> None:
        pass

    def validate(self) -> None:
        pass

    async def after_save(self, extra) -> None:
        pass

    async def befor_save(self) -> None:
        pass

    async def on_update(self) -> None:
        pass

    validate = 5

    @whitelist
    @requires_permission('write')
    async def act(self, number: int = 1) -> int:
        return number

    @whitelist
    async def act(self) -> int:
        return 1

    @whitelist
    @requires_permission('nope')
    async def act(self) -> int:
        return 1

    @whitelist
    @requires_permission('read')
    def act(self) -> int:
        return 1

    @whitelist
    @requires_permission('read')
    async def act(self, *args, **more) -> int:
        return 1

    @whitelist
    @requires_permission('read')
    async def act(self, value: Nope) -> int:
        return 1

    @whitelist
    @requires_permission('read')
    async def act(self, value: {list}) -> Any:
        return 1

    @whitelist(allow_guest=True, document=False)
    async def act(self, value: set[UUID] | None = None) -> Any:
        return 1

    @whitelist(nope=True)
    async def act(self) -> Any:
        return 1

    @staticmethod
    async def validate() -> None:
        pass

    def __init__(self, thing: Documents) -> None:
        pass

    def __init__(self, thing: Nope) -> None:
        pass
"""
)
_MEMBERS = _blocks(
    """
    @computed_field
    @property
    def double(self) -> int:
        return 2

    @field_validator('title')
    @classmethod
    def _check(cls, value: Any) -> Any:
        return value

    @field_validator('nope')
    @classmethod
    def _check(cls, value: Any) -> Any:
        return value

    def helper(self) -> int:
        return 1

    constant = 5

    _private: int = 1

    class Config:
        pass

    class meta:
        pass

    model_config = {'extra': 'allow'}

    model_config = {'frozen': True}

    model_config = {'strict': True, 'str_strip_whitespace': True}

    model_config = {'nope': 1}

    def __init__(self) -> None:
        pass
"""
)
_FUNCTIONS = _blocks(
    """
@on('Alpha', DocCreated)
async def handle(event: DocCreated, documents: Documents) -> None:
    pass

@on('Nope', DocCreated)
async def handle(event: DocCreated, documents: Documents) -> None:
    pass

@on('Alpha', DocCreated)
def handle(event: DocCreated, documents: Documents) -> None:
    pass

@on('Alpha', str)
async def handle(event: DocCreated, documents: Documents) -> None:
    pass

@on('Alpha', DocCreated)
async def handle() -> None:
    pass

@on('Alpha')
async def handle(event: DocCreated, documents: Documents) -> None:
    pass

@rpc('a.b', allow_guest=True)
async def call(value: int) -> int:
    return value

@rpc('a.b')
async def call(value: int) -> int:
    return value

@rpc
@requires_permission('read', 'Nope')
async def call(value: int) -> int:
    return value

@rpc
@requires_permission('read', 'Alpha')
async def call(documents: Documents) -> int:
    return 1

@rpc
@requires_permission('read')
async def call(documents: Documents) -> int:
    return 1

@rpc('a b/c', allow_guest=True)
async def call() -> int:
    return 1

@rpc(5, allow_guest=True)
async def call() -> int:
    return 1

@rpc('', allow_guest=True)
async def call() -> int:
    return 1

@rpc('a.b', allow_guest=True)
async def call(a: int, /, *, b: complex) -> int:
    return 1
"""
)


_SOUND_KEYWORDS = ("index", "in_list", "sensitive", "label", "title", "description")


_INDEXABLE = ("str", "int", "float", "bool", "datetime", "date", "Decimal", "UUID", "Colour", "Size")
_FITTING = {
    "str": ("unique", "max_length", "pattern"),
    "int": ("unique", "ge", "le", "multiple_of"),
    "float": ("unique", "ge"),
    "Decimal": ("unique", "ge", "lt"),
    "UUID": ("unique", "link"),
    "list[str]": ("max_length",),
    "datetime": ("unique",),
    "date": ("unique",),
}
