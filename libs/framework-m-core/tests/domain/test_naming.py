"""Naming rules: what a pattern means, and which are none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from framework_m_core.domain.documents.naming import FieldNaming, IdNaming, PromptNaming, SeriesNaming, parse_naming
from tests.errors import assert_names

NOW = datetime(2026, 3, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        (None, IdNaming()),
        ("prompt", PromptNaming()),
        ("field:code", FieldNaming("code")),
        ("INV-.YYYY.-.####", SeriesNaming(("INV-", "YYYY", "-", "####"))),
        ("####", SeriesNaming(("####",))),
    ],
)
def test_a_pattern_means_a_rule(pattern: str | None, rule: object) -> None:
    assert parse_naming(pattern) == rule


@pytest.mark.parametrize(
    "pattern", ["", "INV", "INV-####", "INV-.##.-.##", "a/.####", "a\u200b.####", "fields:x", "..."]
)
def test_what_is_no_rule_says_what_would_be(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"one counter|cannot contain '"):
        parse_naming(pattern)


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [("R-YYYY-####", "R-.YYYY.-.####"), ("INV-####", "INV-.####"), ("{team}-##", "{team}.-.##")],
)
def test_a_series_without_dots_is_refused_with_what_was_meant(pattern: str, meant: str) -> None:
    with pytest.raises(ValueError, match="one counter") as refused:
        parse_naming(pattern)
    assert_names(refused.value, repr(meant))
    assert isinstance(parse_naming(meant), SeriesNaming)


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("format:EXAMPLE-{MM}-{code}-{#####}", "EXAMPLE-.MM.-.{code}.-.#####"),
        ("format:{YYYY}{code}", "YYYY.{code}.-.####"),
        ("format:A.{##}", "A.##"),
        ("format:A-{WW}-{##}", "A-.{ww}.-.##"),
        ("format:", "INV-.YYYY.-.####"),
        ("format:{team}-##", "{team}.-.##"),
        ("format:{code}", "field:code"),
        ("{code}", "field:code"),
        ("{team}-{##}", "{team}.-.##"),
        ("INV-{YYYY}-{####}", "INV-.YYYY.-.####"),
        ("Prompt", "prompt"),
        ("Set by user", "prompt"),
        ("autoincrement", "#"),
        ("naming_series:", "{naming_series}.####"),
        ("format:{##}-{##}", "INV-.YYYY.-.####"),
        ("Expression", "INV-.YYYY.-.####"),
        ("By script", "field:<name>"),
    ],
)
def test_a_rule_of_another_framework_is_refused_with_what_to_write(pattern: str, meant: str) -> None:
    with pytest.raises(ValueError, match="naming rule") as refused:
        parse_naming(pattern)
    assert_names(refused.value, repr(meant))
    assert parse_naming(meant) != IdNaming()  # it leads on


@pytest.mark.parametrize("pattern", ["hash", "Random", "UUID"])
def test_random_names_are_ids(pattern: str) -> None:
    with pytest.raises(ValueError, match="leave Meta") as refused:
        parse_naming(pattern)
    assert_names(refused.value, repr(pattern), "UUID")


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("B-{branch}-.##", "B-.{branch}.-.##"),
        ("INV-YYYY-.##", "INV-.YYYY.-.##"),
        ("{nope}-.##", "{nope}.-.##"),
        ("A.-YY.MM.##", "A.-.YY.MM.##"),
        ("A#.##", "A.#.##"),
        ("{a}{b}.##", "{a}.{b}.##"),
        ("YYYY.-{x.##", "YYYY.-.{.x.##"),
        ("INV-%Y-.##", "INV-.YYYY.-.##"),
        ("INV-.%y.%m.-.##", "INV-.YY.MM.-.##"),
        ("INV-%H.##", "INV-.{field}.##"),
    ],
)
def test_what_would_be_taken_literally_is_refused_with_what_was_meant(pattern: str, meant: str) -> None:
    with pytest.raises(ValueError, match="literally") as refused:
        parse_naming(pattern)
    assert_names(refused.value, repr(meant))


@pytest.mark.parametrize("pattern", ["COMM-.##", "DAYYYS.##", "Ädd-.##"])
def test_letters_of_a_word_are_no_date(pattern: str) -> None:
    assert isinstance(parse_naming(pattern), SeriesNaming)


def _series(pattern: str) -> SeriesNaming:
    rule = parse_naming(pattern)
    assert isinstance(rule, SeriesNaming)
    return rule


@pytest.mark.parametrize(
    ("pattern", "number", "name"),
    [
        ("INV-.YYYY.-.####", 7, "INV-2026-0007"),
        ("INV-.####", 12345, "INV-12345"),
        ("YY.MM.DD.-.#", 3, "260307-3"),
        ("{branch}.-.##.-.YYYY", 3, "North-03-2026"),
        ("{none}.X.###", 1, "X001"),
    ],
)
def test_a_series_makes_names(pattern: str, number: int, name: str) -> None:
    assert _series(pattern).format_name(number, NOW, {"branch": "North", "none": None}) == name


def test_the_prefix_names_the_counter() -> None:
    series = _series("{branch}.-.YYYY.-.####.-.MM")
    assert series.format_prefix(NOW, {"branch": "North"}) == "North-2026-"
    assert series.fields == ("branch",)
    assert _series("A.####").fields == ()
