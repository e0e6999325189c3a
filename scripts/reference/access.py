"""`access.md`: the permission table."""

from framework_m_standard.http.routes.access import CALLERS, list_route_access
from scripts.reference.markdown import table

__all__ = ["access_page"]

_HEAD = """# Permissions by route

Generated from `documents/operation_table.py`, `routes/table.py` and `access.toml` of `framework_m_standard/http` by
`make reference`. The server builds its routes from the same tables, and `tests/journeys/test_permission_table.py` calls
each of them as each caller.

- anonymous: not logged in, and the DocType grants nothing to guests
- no_grant: logged in, without a grant for the action
- outside_scope: with a grant, but the document is outside the caller's read scope
- not_this: may read the document, but the action's own scope does not cover it
- allowed: permitted
"""


def access_page() -> str:
    """Return the page of the permission table."""
    rows = []
    for route in list_route_access():
        query = f"?{route.query}" if route.query else ""
        statuses = [str(route.status.get(caller, "")) for caller in CALLERS]
        rows.append([f"`{route.method} {route.path}{query}`", route.action, *statuses])
    return "\n".join([_HEAD, *table(["route", "action", *CALLERS], rows), ""])
