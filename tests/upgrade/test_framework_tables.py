"""The framework's own tables as version 1.0 made them, with rows in them, brought up to date by `m migrate run`.

The files hold what an earlier version made, and stay as they are: a change of the framework's tables must get on with
them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.upgrade.shop import Shop

pytestmark = pytest.mark.slow


SCHEMAS = Path(__file__).parent / "framework_1_0"
USER = "01890000-0000-7000-8000-000000000001"
MOMENT = "2026-01-31T12:00:00.000000Z"


def test_tables_of_before_serve_with_what_they_hold(shop: Shop) -> None:
    flag = "1" if shop.url.startswith("sqlite") else "true"
    shop.script((SCHEMAS / ("sqlite.sql" if flag == "1" else "postgresql.sql")).read_text())
    shop.script(
        f"""
        INSERT INTO "user" (id, name, owner, creation, modified, modified_by, docstatus, _version, email, full_name,
                            enabled, roles, attributes, epoch)
        VALUES ('{USER}', 'ada', 'system', '{MOMENT}', '{MOMENT}', 'system', 0, 1, 'ada@example.com', 'Ada', {flag},
                '["Administrator"]', '{{}}', 0);
        INSERT INTO m_counter (prefix, value) VALUES ('INV-', 41);
        """
    )
    shop.m("migrate", "init")
    shop.m("migrate", "create", "initial")
    assert shop.m("migrate", "run") == "did 0001_initial\n"
    assert shop.m("migrate", "status") == "at 0001_initial\nnothing to do\n"
    assert shop.m("user", "list") == "ada@example.com  enabled  Administrator\n"
    assert shop.rows("SELECT value FROM m_counter WHERE prefix = 'INV-'") == [(41,)]
