"""Writes the pages under docs/reference that are made from data; a test checks that they are up to date."""

from pathlib import Path

from framework_m_standard.http.access import CALLERS, access_table

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"


def access_page() -> str:
    """The permission table as a page."""
    lines = [
        "# Who may call what",
        "",
        "Made from `framework_m_standard/http/access.toml` by `scripts/generate_reference.py`; the server builds its",
        "routes from the same file, and `tests/journeys/test_permission_table.py` calls each of them as each caller.",
        "",
        "- anonymous: nobody has logged in, and the DocType opens nothing to guests",
        "- no_grant: logged in, without a grant for the action",
        "- outside_scope: with a grant, the document outside the caller's read scope",
        "- not_this: may read the document, but the action's own scope does not cover it",
        "- allowed: may do it",
        "",
        f"| route | action | {' | '.join(CALLERS)} |",
        f"| --- | --- | {' | '.join('---' for _ in CALLERS)} |",
    ]
    for route in access_table():
        query = f"?{route.query}" if route.query else ""
        statuses = " | ".join(str(route.status.get(caller, "")) for caller in CALLERS)
        lines.append(f"| `{route.method} {route.path}{query}` | {route.action} | {statuses} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Writes all pages."""
    (REFERENCE / "access.md").write_text(access_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
