"""${message}${" " if message.endswith('"') else ""}"""${"  # noqa: E501" if is_wide(message, 6) else ""}

from __future__ import annotations
% if imports:

${imports}
% endif

revision: str = "${up_revision}"
down_revision: str | None = ${'"%s"' % down_revision if down_revision else None}


def upgrade() -> None:
    """Apply the revision."""
    ${upgrades}


def downgrade() -> None:
    """Revert the revision."""
    ${downgrades}
