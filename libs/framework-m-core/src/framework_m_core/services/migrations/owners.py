"""The apps that declare what is stored of a DocType, by column, so that each writes its own revisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from framework_m_core.domain.fields.spec import FieldSpec
from framework_m_core.registry.additions import Additions

__all__ = ["Owner", "find_owner"]


@dataclass(frozen=True, slots=True)
class Owner:
    """The app of a table or collection, and the columns and indexes that overrides of other apps add to it."""

    app: str
    additions: Additions

    def app_of(self, *columns: str) -> str:
        """Return the app of the whole, or of columns or of an index over them."""
        return self.additions.find_app(columns) or self.app


def find_owner(app: str, additions: Additions, specs: Mapping[str, FieldSpec]) -> Owner:
    """Return the owner of the columns of fields, of which an app declares all but the additions."""
    names = {field: [column.name for column in spec.columns] or [field] for field, spec in specs.items()}
    columns = {name: other for field, other in additions.fields.items() for name in names.get(field, [field])}
    indexes = {
        tuple(name for field in fields for name in names.get(field, [field])): other
        for fields, other in additions.indexes.items()
    }
    return Owner(app, Additions(columns, indexes))
