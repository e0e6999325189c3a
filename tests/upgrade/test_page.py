"""What the page on migrations says, done in its order."""

from __future__ import annotations

import re

import pytest

from tests.journeys.product import ROOT
from tests.upgrade.shop import Shop

pytestmark = pytest.mark.slow


PAGE = ROOT / "docs" / "user" / "migrations.md"


def test_the_page_can_be_followed(shop: Shop) -> None:
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    patches = 0
    for language, text in blocks:
        if language == "sh":
            for line in text.splitlines():
                shop.m(*_arguments(line))
        elif "class Customer" in text:
            shop.declare(text)
        elif "down_revision" in text:
            assert _upgrade(text) == _upgrade(list(shop.revisions())[-1].read_text())
        else:
            patches += 1
            shop.write(f"patches/{patches:04}_{'tidy_phones' if patches == 1 else 'by_sql'}.py", text)
    assert patches == 2
    assert shop.m("migrate", "verify").startswith("the database matches the DocTypes")
    assert shop.rows("SELECT count(*) FROM m_migration WHERE kind = 'patch'") == [(2,)]


def _arguments(line: str) -> list[str]:
    return [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', line.removeprefix("m "))]


def _upgrade(text: str) -> str:
    return text.partition("def upgrade")[2].partition("\n\n\n")[0]
