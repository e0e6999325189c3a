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


HANDLING = """
from framework_m import DocCreated, DocType, on


class Customer(DocType):
    title: str = ""


class Seen(DocType):
    what: str


@on("Customer", DocCreated)
async def note(event, documents) -> None:
    await documents.create("Seen", {"what": f"{event.type} {event.version} {event.document_id}"})
"""


def test_events_of_before_reach_the_handlers_unless_they_had(shop: Shop) -> None:
    """What version 1.0 had delivered or given up is not delivered again; its names of types are read."""
    shop.declare(HANDLING)
    schema = "sqlite.sql" if shop.url.startswith("sqlite") else "postgresql.sql"
    shop.script((SCHEMAS / schema).read_text())
    for number, (published, given_up) in enumerate([(f"'{MOMENT}'", 0), ("NULL", 1), ("NULL", 0)]):
        id = f"01890000-0000-7000-8000-00000000000{number}"
        shop.script(
            f"""
            INSERT INTO m_outbox (id, type, doctype, document_id, version, idx, occurred_at, actor, schema_version,
                                  data, published_at, given_up)
            VALUES ('{id}', 'created', 'Customer', '{id}', {number + 1}, 0, '{MOMENT}', 'ada', 1, '{{"name": "x"}}',
                    {published}, {given_up});
            """
        )
    shop.m("migrate", "init")
    shop.m("migrate", "create", "initial")
    shop.m("migrate", "run")
    shop.do(
        "from framework_m_testing.deliveries import drain_all\n"
        "await documents.create('Customer', {'title': 'new'})\n"
        "await drain_all(app.container.get('event_delivery'))"
    )
    seen = [what.split() for (what,) in shop.rows("SELECT what FROM seen ORDER BY creation")]
    assert [(type_, version) for type_, version, _ in seen] == [("doc.created", "3"), ("doc.created", "1")]
    assert seen[0][2] == "01890000-0000-7000-8000-000000000002"
    assert "waits for nothing" in shop.m("events", "consumers")
