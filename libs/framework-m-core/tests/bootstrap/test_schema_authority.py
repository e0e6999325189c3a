"""Who may change a schema, in every case."""

from __future__ import annotations

import pytest

from framework_m_core.bootstrap.schema_authority import WHAT_TO_DO, SchemaAuthority, decide_schema_authority
from framework_m_core.domain.errors import ConfigurationError


@pytest.mark.parametrize(
    ("production", "migrated", "sync", "authority"),
    [
        (False, False, None, SchemaAuthority.DOCTYPES),
        (False, False, True, SchemaAuthority.DOCTYPES),
        (False, False, False, SchemaAuthority.NOBODY),
        (False, True, None, SchemaAuthority.MIGRATIONS),
        (False, True, True, SchemaAuthority.MIGRATIONS),
        (False, True, False, SchemaAuthority.MIGRATIONS),
        (True, False, None, SchemaAuthority.PRODUCTION),
        (True, True, None, SchemaAuthority.PRODUCTION),
        (True, True, False, SchemaAuthority.PRODUCTION),
    ],
)
def test_the_rule(production: bool, migrated: bool, sync: bool | None, authority: SchemaAuthority) -> None:
    assert decide_schema_authority(production=production, migrated=migrated, sync=sync) is authority


@pytest.mark.parametrize("migrated", [False, True])
def test_production_refuses_the_setting(migrated: bool) -> None:
    with pytest.raises(ConfigurationError, match="m migrate run"):
        decide_schema_authority(production=True, migrated=migrated, sync=True)


def test_who_may_not_change_it_says_what_to_do() -> None:
    assert WHAT_TO_DO.keys() == set(SchemaAuthority) - {SchemaAuthority.DOCTYPES}
    assert all("m migrate" in text for text in WHAT_TO_DO.values())
