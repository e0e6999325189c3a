"""What must hold of a DocType's names, links, naming rule, indexes and permissions."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import create_model
from pydantic.fields import FieldInfo

from framework_m_core.domain.documents.reserved_names import RESERVED_NAMES
from framework_m_core.domain.fields.field import Field
from framework_m_core.domain.filters.tree import And, Comparison, Not, UserAttribute
from framework_m_core.registry.compilation.checks.doctypes import MAX_DOCTYPE_NAME, MAX_FIELD_NAME
from framework_m_testing.fakes.doctype import FakeDocType
from tests.errors import assert_names, names_all

from .conftest import errors_of

KNOWN = "creation, deleted_at, docstatus, id, modified, modified_by, name, owner"


class Customer(FakeDocType):
    full_name: str = ""
    credit: Decimal = Field(default=Decimal(0), scale=2)
    tags: list[str] = []


def _declared(name: str = "Subject", meta: dict[str, Any] | None = None, **fields: Any) -> Any:
    """A DocType of fields, each given as its type or as type and default."""
    pairs: dict[str, Any] = {key: value if isinstance(value, tuple) else (value, ...) for key, value in fields.items()}
    model = create_model(name, __base__=FakeDocType, **pairs)
    model.Meta = type("Meta", (), meta or {})  # type: ignore[attr-defined]
    return model


def _with_text(field: str) -> Any:
    """A DocType with a text of that name."""
    fields: dict[str, Any] = {field: (str, "")}
    return _declared(**fields)


def _link(**keywords: Any) -> tuple[Any, Any]:
    return UUID | None, Field(default=None, **keywords)


@pytest.mark.parametrize("name", ["Order", "A", "Order2", "HTTPRoute", "A" * MAX_DOCTYPE_NAME])
def test_pascal_case_is_a_name(name: str) -> None:
    assert errors_of(_declared(name)) == ()


@pytest.mark.parametrize("name", ["order", "Sales_Order", "2Order", "Ordér", "_Order", "A" * (MAX_DOCTYPE_NAME + 1)])
def test_what_is_not_pascal_case_is_no_name(name: str) -> None:
    [found] = errors_of(_declared(name))
    assert_names(found, "PascalCase", str(MAX_DOCTYPE_NAME), repr(name))


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_names_of_fixed_routes_are_taken(name: str) -> None:
    [found] = errors_of(_declared(name.title()))
    assert_names(found, name.title(), "route")


@pytest.mark.parametrize("name", ["ActivityLog", "Activitylog"])
def test_names_of_the_frameworks_tables_are_taken(name: str) -> None:
    [found] = errors_of(_declared(name))
    assert_names(found, name, "table")


@pytest.mark.parametrize(
    ("name", "store"),
    [
        ("xmin", "PostgreSQL"), ("ctid", "PostgreSQL"), ("tableoid", "PostgreSQL"), ("rowid", "SQLite"),
        ("db_row_id", "MariaDB"), ("db_trx_id", "MariaDB"), ("db_roll_ptr", "MariaDB"),
    ],
)  # fmt: skip
def test_columns_that_a_store_keeps_are_taken(name: str, store: str) -> None:
    fields: dict[str, Any] = {name: (str, "")}
    [found] = errors_of(_declared(**fields))
    assert_names(found, repr(name), store)


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (str, Field(default="", min_length=1)),
        (str, Field(default="abc", max_length=2)),
        (int, Field(default=0, gt=0)),
        (str | None, Field(default="x", pattern="^[0-9]+$")),
        (list[str], Field(default=["a"], max_length=0)),
    ],
)
def test_a_default_keeps_the_constraints_of_its_field(annotation: Any, default: Any) -> None:
    [found] = errors_of(_declared(x=(annotation, default)))
    assert "its default" in found and "is not valid" in found


@pytest.mark.parametrize("name", ["a", "qty2", "a_b_c", "a" * MAX_FIELD_NAME])
def test_snake_case_is_a_field(name: str) -> None:
    assert errors_of(_with_text(name)) == ()


@pytest.mark.parametrize("name", ["Qty", "a__b", "a_", "préis", "a" * (MAX_FIELD_NAME + 1)])
def test_what_is_not_snake_case_is_no_field(name: str) -> None:
    [found] = errors_of(_with_text(name))
    assert_names(found, repr(name), "snake_case", str(MAX_FIELD_NAME))


@pytest.mark.parametrize("name", ["parent", "idx"])
def test_what_child_rows_are_stored_with_is_no_field(name: str) -> None:
    [found] = errors_of(_with_text(name))
    assert_names(found, repr(name), "framework field")


@pytest.mark.parametrize("name", ["nothing", "returning"])
def test_a_word_that_not_every_tool_quotes_is_no_field(name: str) -> None:
    [found] = errors_of(_with_text(name))
    assert_names(found, repr(name), "keyword of SQLite")


def test_links_and_what_is_fetched_through_them_are_sound() -> None:
    subject = _declared(
        customer=_link(link="Customer"),
        itself=_link(link="Subject"),
        full_name=(str | None, Field(default=None, fetch_from="customer.full_name")),
        credit=(Decimal | None, Field(default=None, fetch_from="customer.credit", scale=2)),
        known_as=(str | None, Field(default=None, fetch_from="customer.name")),
    )
    assert errors_of(Customer, subject) == ()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"to": _link(link="Custome")}, "links to 'Custome', which is not a DocType: did you mean 'Customer'?"),
        ({"to": _link(link="Planet")}, "'Planet', which is not a DocType: expected one of Customer, Subject"),
        ({"x": (str | None, Field(default=None, fetch_from="full_name"))}, "does not begin with a link field"),
        ({"x": (str | None, Field(default=None, fetch_from="gone.full_name"))}, "does not begin with a link field"),
        ({"x": (str | None, Field(default=None, fetch_from="to.nme"))}, "Customer has no field 'nme' to fetch"),
        ({"x": (str, Field(default="", fetch_from="to.full_name"))}, "must be 'str | None'"),
        ({"x": (int | None, Field(default=None, fetch_from="to.full_name"))}, "must be 'str | None'"),
        ({"x": (Decimal | None, Field(default=None, fetch_from="to.credit", scale=3))}, "must be 'Decimal | None'"),
        ({"x": _link(link="Subject", fetch_from="to.id")}, "links to Subject, but 'to.id' to Customer"),
        ({"x": _link(link="Subject", fetch_from="x.x")}, "it is fetched over itself, x - x: set one of the links"),
    ],
)  # fmt: skip
def test_links_that_lead_nowhere(fields: dict[str, Any], expected: str) -> None:
    [found] = errors_of(Customer, _declared(**{"to": _link(link="Customer"), **fields}))
    assert expected in found


LEVELS = {"field_levels": {1: {"read": ["A"]}}}
SECRETS: dict[str, Any] = {
    "pin": (str, Field(default="", sensitive=True)),
    "margin": (str, Field(default="", permlevel=1)),
    "both": (str, Field(default="", permlevel=1, sensitive=True)),
}


def _copy(source: str, **keywords: Any) -> tuple[Any, Any]:
    return str | None, Field(default=None, fetch_from=source, **keywords)


@pytest.mark.parametrize(
    ("copy", "expected"),
    [
        (_copy("to.pin"), ["x': 'to.pin' is sensitive: set sensitive=True"]),
        (_copy("to.margin"), ["x': 'to.margin' has permlevel=1, so expected at least that here, got 0"]),
        (_copy("to.both", permlevel=1), ["'to.both' is sensitive"]),
        (_copy("to.both", sensitive=True), ["'to.both' has permlevel=1"]),
        (_copy("to.pin", sensitive=True), []),
        (_copy("to.both", sensitive=True, permlevel=1), []),
        (_copy("to.name", permlevel=1, sensitive=True), []),
    ],
)
@pytest.mark.parametrize("in_rows", [False, True])
def test_a_copy_is_kept_as_its_source(copy: tuple[Any, Any], expected: list[str], in_rows: bool) -> None:
    vault = _declared("Vault", LEVELS, **SECRETS)
    levels = LEVELS if copy[1].json_schema_extra.get("permlevel") else {}
    holder = _declared("Row", {"is_child_table": in_rows, **levels}, to=_link(link="Vault"), x=copy)
    parts = (holder, _declared(rows=(list[holder], []))) if in_rows else (holder,)  # type: ignore[valid-type]
    found = errors_of(vault, *parts)
    assert [one for one in expected if not any(one in error for error in found)] == []
    assert bool(found) == bool(expected)


def test_a_copy_of_a_copy_is_kept_as_the_first() -> None:
    vault = _declared("Vault", **{"pin": SECRETS["pin"]})
    first = _declared("First", to=_link(link="Vault"), x=_copy("to.pin", sensitive=True))
    [found] = errors_of(vault, first, _declared(to=_link(link="First"), x=_copy("to.x")))
    assert "'to.x' is sensitive" in found


def test_links_that_are_fetched_over_each_other() -> None:
    other = _declared("Other", back=_link(link="Subject"), here=_link(link="Other"))
    subject = _declared(
        a=_link(link="Other", fetch_from="b.a"), b=_link(link="Subject", fetch_from="a.back"),
    )  # fmt: skip
    found = errors_of(subject, other)
    assert_names(found, "Subject", "'a'", "a - b - a")
    assert_names(found, "Subject", "'b'", "b - a - b")


def test_an_index_holds_few_texts() -> None:
    fields: dict[str, Any] = dict.fromkeys("abc", (str, ""))
    [found] = errors_of(_declared(meta={"indexes": [("a", "b", "c"), ("a", "b")]}, **fields))
    assert_names(found, "Meta.indexes", "2", "a, b, c")


def test_links_of_child_rows_are_checked_at_their_path() -> None:
    row = _declared("Row", {"is_child_table": True}, to=_link(link="Planet"))
    parent = _declared(rows=(list[row], []))  # type: ignore[valid-type]
    assert_names(errors_of(row, parent), "'rows.to'", "'Planet'")


def test_a_child_table_is_no_target() -> None:
    row = _declared("Row", {"is_child_table": True})
    [found] = errors_of(row, _declared(to=_link(link="Row")))
    assert_names(found, "'to'", "'Row'", "DocType")


@pytest.mark.parametrize(
    ("meta", "fields"),
    [
        ({"naming": "field:code"}, {"code": str}),
        ({"naming": "A-.{code}.-.##"}, {"code": (str | None, None)}),
        ({"indexes": (("code", "owner"), ("_version",))}, {"code": (str, "")}),
        ({"unique_together": (("code", "name"),)}, {"code": (str, "")}),
        ({"rls_field": "code", "permissions": {"read": ["A"]}}, {"code": (str, "")}),
        ({"submittable": True, "permissions": {"submit": ["A"], "cancel": {"A": "all"}}}, {}),
        ({"permissions": {"read": {"A": And((Not(Comparison("code", "eq", UserAttribute("id"))),))}}}, {"code": str}),
        ({"field_levels": {1: {"read": ["A"]}}}, {"code": (str, Field(default="", permlevel=1))}),
    ],
)
def test_sound_options(meta: dict[str, Any], fields: dict[str, Any]) -> None:
    assert errors_of(_declared(meta=meta, **fields)) == ()


SCOPE = Comparison("stat", "eq", "Open")
CALLERS = Comparison("data", "ne", UserAttribute("data"))


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({"naming": "field:cod"}, "reads 'cod': expected a text field that is never null, one of code"),
        ({"naming": "field:maybe"}, "Meta.naming reads 'maybe': expected a text field that is never null"),
        ({"naming": "field:data"}, "Meta.naming reads 'data': expected a text field that is never null"),
        ({"naming": "A-.code.-.##"}, "Meta.naming would take 'code' literally, which is a field: did you mean 'A-.{"),
        ({"naming": "A-.FY.-.##"}, "there is no part 'FY': expected one of YYYY, YY, MM, DD"),
        ({"naming": "A-.{cod}.##"}, "Meta.naming reads 'cod': expected one of code, data, maybe"),
        ({"indexes": (("code", "cod"),)}, "Meta.indexes names 'cod': expected a scalar field, one of _version"),
        ({"indexes": (("data",),)}, "Meta.indexes names 'data': expected a scalar field"),
        ({"unique_together": (("cod",),)}, "Meta.unique_together names 'cod': expected a scalar field"),
        ({"rls_field": "cod"}, "Meta.rls_field='cod' is not a field: expected one of _version, code, "),
        ({"title_field": "cod"}, "Meta.title_field='cod': expected a text field that is not sensitive, one of code"),
        ({"title_field": "data"}, "Meta.title_field='data': expected a text field that is not sensitive"),
        ({"permissions": {"submit": ["A"]}}, "Meta.permissions grants 'submit', but Meta.submittable is not set"),
        ({"permissions": {"cancel": ["A"]}}, "Meta.permissions grants 'cancel', but Meta.submittable is not set"),
        ({"rls_field": None, "permissions": {"read": {"A": "own"}}}, "the scope of 'A' for 'read' is 'own', but"),
        ({"permissions": {"read": {"A": SCOPE}}}, "the scope of 'A' for 'read' names 'stat': expected one of _version"),
        ({"permissions": {"write": {"A": Not(And((SCOPE,)))}}}, "the scope of 'A' for 'write' names 'stat'"),
        ({"permissions": {"write": {"A": CALLERS}}}, "says \"data ne the caller's data\": exp"),
        ({"rls_field": "data", "permissions": {"read": ["A"]}}, "says \"data in the caller"),
        ({"field_levels": {2: {"read": ["A"]}}}, "Meta.field_levels lists level 2, which no field uses"),
    ],
)  # fmt: skip
def test_options_that_name_what_there_is_not(meta: dict[str, Any], expected: str) -> None:
    subject = _declared(meta=meta, code=str, maybe=(str | None, None), data=(dict[str, Any], {}))
    [found] = errors_of(subject)
    assert expected in found


@pytest.mark.parametrize("naming", ["field:code", "A-.{code}.##"])
def test_a_name_is_made_of_what_is_given_on_create(naming: str) -> None:
    [found] = errors_of(_declared(meta={"naming": naming}, code=(str, Field(default="", read_only=True))))
    assert found.endswith("Meta.naming reads 'code': expected a field that is set on create, got a read-only one")
    code = (str | None, Field(default=None, fetch_from="to.full_name"))
    fetched = _declared(meta={"naming": "A-.{code}.##"}, to=_link(link="Customer"), code=code)
    [found] = errors_of(Customer, fetched)
    assert found.endswith("got a fetched one")


@pytest.mark.parametrize("naming", ["field:pin", "A-.{pin}.##"])
@pytest.mark.parametrize(
    ("keywords", "kind"), [({"sensitive": True}, "a sensitive one"), ({"permlevel": 1}, "one with permlevel=1")]
)
def test_a_name_shows_nothing_that_is_hidden(naming: str, keywords: dict[str, Any], kind: str) -> None:
    levels = LEVELS if "permlevel" in keywords else {}
    [found] = errors_of(_declared(meta={"naming": naming, **levels}, pin=(str, Field(**keywords))))
    assert found.endswith(f"Meta.naming reads 'pin': expected a field that all who see the name may see, got {kind}")


def test_a_level_that_nobody_has_is_told() -> None:
    [found] = errors_of(_declared(code=(str, Field(default="", permlevel=3))))
    assert_names(found, "permlevel=3", "Meta.field_levels", "role")


def test_what_is_known_is_listed() -> None:
    [found] = errors_of(_declared(meta={"rls_field": "gone"}))
    assert found.endswith(f"expected one of _version, {KNOWN}")


@pytest.mark.parametrize(
    ("spelling", "refused"),
    [
        ((UUID, Field(link="One")), True),
        ((UUID, Field(link="Two")), True),
        ((UUID, Field(link="Customer")), False),
        ((UUID | None, Field(link="One")), False),
        ((UUID | None, Field(default=None, link="Two")), False),
    ],
)
def test_links_of_which_each_needs_the_other_before_it_are_refused(spelling: Any, refused: bool) -> None:
    """No first document could ever be created; an optional one, or one that may be null, ends the circle."""
    one, two = _declared("One", other=spelling), _declared("Two", back=(UUID, Field(link="One")))
    found = errors_of(Customer, one, two)
    assert any(names_all(error, "One", "links", "optional") for error in found) is refused


@pytest.mark.parametrize(
    ("rows", "link", "refused"),
    [
        (Field(min_length=1), (UUID, Field(link="One")), True),
        (Field(min_length=1), (UUID | None, Field(default=None, link="One")), False),
        (Field(min_length=0), (UUID, Field(link="One")), False),
        (Field(max_length=5), (UUID, Field(link="One")), False),
        (Field(min_length=1), (UUID, Field(link="Customer")), False),
    ],
)
def test_rows_that_each_document_needs_count_as_its_links(rows: Any, link: Any, refused: bool) -> None:
    row = _declared("Row", meta={"is_child_table": True}, target=link)
    found = errors_of(Customer, row, _declared("One", rows=(list[row], rows)))  # type: ignore[valid-type]
    assert any(names_all(error, "rows.target", "One", "optional") for error in found) is refused


@pytest.mark.parametrize(
    ("kind", "default", "constraint"),
    [
        (UUID, UUID(int=1), {"multiple_of": 2}),
        (str, "a", {"lt": 9}),
        (str, "a", {"max_digits": 3}),
        (int, 1, {"max_length": 3}),
        (Any, 1.5, {"max_length": 3}),
        (dict[str, Any], {}, {"pattern": "^a$"}),
    ],
)
def test_a_default_that_its_constraints_cannot_be_applied_to_is_told(kind: Any, default: Any, constraint: Any) -> None:
    model = _declared(value=str)
    model.model_fields["value"] = FieldInfo.from_annotated_attribute(kind, Field(default=default, **constraint))
    assert any("cannot be applied" in error for error in errors_of(model))


@pytest.mark.parametrize(
    ("kind", "constraint", "default", "told"),
    [
        (dict[str, Any], {"multiple_of": 3}, None, "cannot be applied"),
        (bool, {"gt": 3}, None, "cannot be applied"),
        (str, {"min_length": 3}, "", "its default"),
        (str, {"min_length": 3}, None, ""),
        (int, {"gt": 0}, 1, ""),
    ],
)
def test_constraints_within_an_optional_annotation_are_checked(
    kind: Any, constraint: Any, default: Any, told: str
) -> None:
    optional: Any = Annotated[kind, Field(**constraint)] | None
    found = errors_of(_declared(value=(optional, default)))
    assert [told in error for error in found] == ([True] if told else [])
