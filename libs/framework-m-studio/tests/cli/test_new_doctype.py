"""`m new doctype`: a file that the app loads, clean and tested, or one line that says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.errors import assert_names

from .conftest import Run, is_one_line

POINTS = """
\"\"\"Points.\"\"\"

from dataclasses import dataclass
from typing import Any

from framework_m_core.spi import FieldKind, FieldType, Part


@dataclass(frozen=True)
class Point:
    x: int


class PointType(FieldType[Point]):
    name = "point"
    python_type = Point
    parts = (Part("x", FieldKind.INTEGER),)

    def json_schema(self) -> Any:
        return {"type": "integer", "examples": [7]}

    def to_parts(self, value: Point) -> tuple[Any, ...]:
        return (value.x,)

    def from_parts(self, parts: tuple[Any, ...]) -> Point:
        return Point(*parts)

    def to_json(self, value: Point) -> int:
        return value.x

    def from_json(self, raw: Any) -> Point:
        if not isinstance(raw, int):
            raise ValueError("an integer is expected")
        return Point(raw)
"""
LONG = "an_extraordinarily_long_name_of_a_field"


def new(run: Run, shop: Path, name: str, *options: str) -> str:
    made = run("m", "new", "doctype", name, *options, folder=shop)
    assert (made.returncode, made.stderr) == (0, "")
    return made.stdout


def with_fields(*fields: str) -> list[str]:
    return [part for field in fields for part in ("--field", field)]


def test_a_doctype_without_further_words(run: Run, shop: Path) -> None:
    said = new(run, shop, "Remark")
    assert said.splitlines() == [
        "wrote src/shop/doctypes/remark.py",
        "wrote tests/test_remark.py",
        "`m start` serves it at /api/v1/Remark; its Meta.permissions declare who may use it",
    ]
    shown = run("m", "info", "doctype", "Remark", folder=shop).stdout
    assert "Shop User (own), Shop Manager (all)" in shown
    assert "title" in shown


@pytest.mark.slow
def test_every_kind_of_field_is_clean_typed_and_tested(run: Run, shop: Path) -> None:
    new(run, shop, "Customer", *with_fields("full_name: str", "email: str | None", "extra: dict", "more: dict | None"))
    new(run, shop, "InvoiceItem", "--child", *with_fields("description: str", "rate: Decimal"))
    new(
        run, shop, "Invoice", "--submittable",
        *with_fields(
            "customer: Customer", "items: list[InvoiceItem]", "count:int", "share : float", "paid: bool", "on: date",
            "at: datetime | None", "total: Decimal|None", "ref: UUID | None", "level: Literal['Gold', \"Sil'ver\"]",
            "scan: bytes | None", "seal: bytes", "tags: list[str]", "counts: list[int]",
            "broken: Literal['a\\nb', 'c\\x1b']",
            "clerk: User | None", f"{LONG}: Customer | None", f"{LONG}2: Literal['{'x' * 38}'] | None",
        ),
    )  # fmt: skip
    for command in (
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy", "."],
        ["pytest", "-q", "-p", "no:cacheprovider"],
    ):
        done = run(*command, folder=shop)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert "10 passed" in done.stdout


@pytest.mark.slow
def test_a_field_may_be_of_a_type_that_the_app_or_a_package_declares(run: Run, shop: Path) -> None:
    project = shop / "pyproject.toml"
    types = 'amount = "framework_m_testing.samples.field_types:AmountType"\npoint = "shop.points:PointType"\n'
    project.write_text(project.read_text() + f'\n[project.entry-points."framework_m.field_types"]\n{types}')
    (shop / "src/shop/points.py").write_text(POINTS)
    fields = with_fields("price: Amount", "rebate: Amount | None", "place: Point", "on: date")
    new(run, shop, "Offer", *fields)
    written = (shop / "src/shop/doctypes/offer.py").read_text()
    imported = "from framework_m import DocType, Field\nfrom framework_m_testing.samples.field_types import Amount\n"
    assert imported in written
    assert "\n\nfrom shop.points import Point\n" in written
    for command in (["ruff", "check", "src/shop/doctypes"], ["pytest", "-q", "-p", "no:cacheprovider"]):
        done = run(*command, folder=shop)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    refused = run("m", "new", "doctype", "Bid", *with_fields("price: Amont"), folder=shop)
    assert_names(refused.stderr, "known type", "'Amont'", "'Amount'")


def test_rows_have_no_permissions_of_their_own(run: Run, shop: Path) -> None:
    said = new(run, shop, "Line", "--child", "--field", "text: str")
    assert 'm new doctype Order --field "lines: list[Line]"' in said
    source = (shop / "src/shop/doctypes/line.py").read_text()
    assert "is_child_table = True" in source
    assert "permissions" not in source


def test_a_package_without_a_folder_for_doctypes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[project.entry-points."framework_m.apps"]\nkiosk = "kiosk"\n'
    )
    (tmp_path / "kiosk").mkdir()
    (tmp_path / "kiosk/__init__.py").write_text("")
    said = new(run, tmp_path, "Paper")
    assert "wrote kiosk/paper.py" in said
    assert "wrote tests/conftest.py" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("invoice_item", "did you mean 'InvoiceItem'?"),
        ("invoice", "did you mean 'Invoice'?"),
        ("../Order", "did you mean 'Order'?"),
        ("Auth", "is reserved by a route of the framework"),
        ("None", "has another meaning"),
        ("Decimal", "has another meaning"),
        ("Tests", "has another meaning"),
        ("Task", "shop.doctypes.task declares Task already"),
        ("TASK", "shop.doctypes.task declares Task already"),
        ("User", "declares User already"),
    ],
)
def test_a_name_that_cannot_be_is_explained(run: Run, shop: Path, name: str, said: str) -> None:
    before = sorted(shop.rglob("*.py"))
    refused = run("m", "new", "doctype", name, folder=shop)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert is_one_line(refused)
    assert sorted(shop.rglob("*.py")) == before


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("title", "expected a name, a colon and a type"),
        ("title: strr", "did you mean 'str'?"),
        ("price: decimal", "did you mean 'Decimal'?"),
        ("task: Tsk", "did you mean 'Task'?"),
        ("title: Whatever", "known are str, int"),
        ("title: str = 'x'", "without a default: write it into the file"),
        ("lines: list[Line]", "create it first, `m new doctype Line --child`"),
        ("class: str", "a Python keyword"),
        ("date: date", "the name of a type"),
        ("copy: str", "a method of every document"),
        ("owner: str", "is a framework field"),
        ("Title: str", "expected snake_case"),
        ("state: Literal[1, 2]", "expected texts to choose from"),
        ("state: Literal[open]", "expected texts to choose from"),
        ("state: Literal['" + "x" * 80 + "']", "too many choices for one line"),
    ],
)
def test_a_field_that_cannot_be_is_explained(run: Run, shop: Path, field: str, said: str) -> None:
    refused = run("m", "new", "doctype", "Order", "--field", field, folder=shop)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert is_one_line(refused)
    assert not (shop / "src/shop/doctypes/order.py").exists()


def test_a_field_is_declared_once(run: Run, shop: Path) -> None:
    refused = run("m", "new", "doctype", "Order", *with_fields("a: str", "a: int"), folder=shop)
    [told] = refused.stderr.splitlines()
    assert_names(told, "m", "--field", "'a' twice")


def test_a_child_table_cannot_be_submitted(run: Run, shop: Path) -> None:
    refused = run("m", "new", "doctype", "Order", "--child", "--submittable", folder=shop)
    [told] = refused.stderr.splitlines()
    assert_names(told, "m", "child table", "parent", "--submittable")


def test_files_that_exist_are_kept_and_nothing_is_half_written(run: Run, shop: Path) -> None:
    (shop / "tests/test_order.py").write_text("# mine\n")
    refused = run("m", "new", "doctype", "Order", folder=shop)
    assert refused.returncode == 2
    assert_names(refused.stderr, "tests/test_order.py exists")
    assert not (shop / "src/shop/doctypes/order.py").exists()
    assert (shop / "tests/test_order.py").read_text() == "# mine\n"


def test_an_app_is_needed(run: Run, tmp_path: Path) -> None:
    refused = run("m", "new", "doctype", "Order")
    [told] = refused.stderr.splitlines()
    assert_names(told, "m", "no app", "`m new app shop`")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[project.entry-points."framework_m.apps"]\none = "one"\n'
    )
    (tmp_path / "one.py").write_text("")
    assert_names(run("m", "new", "doctype", "Order").stderr, "app one", "package", "one module")


def test_one_of_several_apps_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\n[project.entry-points."framework_m.apps"]\none = "one"\ntwo = "two"\n'
    )
    for package in ("one", "two"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
    assert_names(run("m", "new", "doctype", "Order").stderr, "several apps", "one, two")
    assert_names(run("m", "new", "doctype", "X", "--app", "tow").stderr, "app", "'tow'", "'two'")
    assert "wrote two/order.py" in new(run, tmp_path, "Order", "--app", "two")


def test_an_app_that_does_not_load_says_so(run: Run, shop: Path) -> None:
    (shop / "src/shop/broken.py").write_text("class (")
    refused = run("m", "new", "doctype", "Order", folder=shop)
    assert_names(refused.stderr, "module shop.broken", "SyntaxError")
    assert is_one_line(refused)
