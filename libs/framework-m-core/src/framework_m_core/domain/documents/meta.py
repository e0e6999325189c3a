"""The options of a DocType's `class Meta`, checked against a typed model at registration."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from framework_m_core.domain.documents.actions import ACTIONS
from framework_m_core.domain.filters.tree import And, Comparison, Filter, Not, Or
from framework_m_core.domain.suggestions import did_you_mean

__all__ = ["FieldLevel", "MetaOptions", "Scope", "read_meta"]

type Scope = Literal["all", "own"] | Filter


class FieldLevel(BaseModel):
    """The roles that may read and write the fields of one permission level."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()


class MetaOptions(BaseModel):
    """Every option that `class Meta` of a DocType may state.

    - `permissions`: action to roles; a mapping gives each role a scope (`"all"`, `"own"` or a filter), a plain
      list means `"own"`, or `"all"` where `rls_field` is None. Without it the DocType is the administrator's.
    - `rls_field`: the field that `"own"` compares with the caller.
    - `field_levels`: `read` and `write` roles per `permlevel` above 0.
    - `naming`: None (the name is the id), `"prompt"`, `"field:<name>"`, or a series such as `"INV-.YYYY.-.####"`.
    - `allow_rename`: whether `POST …/rename` gives documents another name; those named by their id have no other.
    - `rename_with_field`: with `"field:<name>"`, the name follows the field, which is else fixed after create.
    - `indexes`: tuples of fields that are indexed together.
    - `unique_together`: tuples of fields whose values no two live documents share.
    - `title_field`: the text field shown where others link to the document (`titles=true`); the name if unset or empty.
    - `order_by`: the default order of lists, as `order_by` of a request; newest first if empty.
    - `default_filters`: conditions of lists, such as `{"active": True, "priority__gt": 2}`, until a request filters by
      their field, by id or by name, or turns them off by `default_filters=false`.
    - `submittable`: documents can be submitted, cancelled and amended; they have the field `amended_from`.
    - `is_child_table`: rows of other DocTypes, without an API of their own.
    - `overrides`: the class adds to the DocType that it inherits from; options that it states replace that one's.
    - `api_resource`: whether documents are reached over HTTP; None means unless it is a child table.
    - `label`: shown in place of the DocType's name; a message id.
    - `module`: what it is listed under; None means the app.
    - `ext`: third parties' options, each under its own namespace and checked by that package's model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    permissions: Mapping[str, Any] | None = None
    rls_field: str | None = "owner"
    field_levels: Mapping[int, FieldLevel] = Field(default_factory=dict)
    naming: str | None = None
    allow_rename: bool = True
    rename_with_field: bool = False
    indexes: tuple[tuple[str, ...], ...] = ()
    unique_together: tuple[tuple[str, ...], ...] = ()
    title_field: str | None = None
    order_by: tuple[str, ...] = ()
    default_filters: Mapping[str, Any] = Field(default_factory=dict)
    submittable: bool = False
    is_child_table: bool = False
    overrides: bool = False
    api_resource: bool | None = None
    label: str | None = None
    module: str | None = None
    ext: Mapping[str, Any] = Field(default_factory=dict)

    @field_validator("permissions")
    @classmethod
    def _roles_and_scopes(cls, value: Mapping[str, Any] | None, info: ValidationInfo) -> Mapping[str, Any] | None:
        known = info.context or ACTIONS
        errors: list[str] = []
        for action, roles in (value or {}).items():
            if action not in known:
                meant = did_you_mean(action, known)
                known_ones = ", ".join(known)
                declare = meant or "; a package declares its own under framework_m.actions"
                errors.append(f"unknown action {action!r}: expected one of {known_ones}{declare}")
            errors += _check_roles(action, roles)
        if errors:
            raise ValueError("; ".join(errors))
        return value

    @cached_property
    def has_api(self) -> bool:
        """True if documents are accessible over HTTP."""
        return not self.is_child_table if self.api_resource is None else self.api_resource

    def scopes_of(self, action: str) -> Mapping[str, Scope]:
        """Return the scope of each role for an action; empty if only the administrator may do it."""
        roles = (self.permissions or {}).get(action, ())
        if isinstance(roles, Mapping):
            return roles
        return dict.fromkeys(roles, "own" if self.rls_field else "all")

    @property
    def can_rename(self) -> bool:
        """True if documents may get another name."""
        return self.allow_rename and self.naming is not None and not self.is_child_table

    @property
    def roles(self) -> frozenset[str]:
        """Every role that the options name."""
        named = {role for action in self.permissions or {} for role in self.scopes_of(action)}
        return frozenset(named.union(*({*level.read, *level.write} for level in self.field_levels.values())))


def _check_roles(action: str, roles: object) -> Iterator[str]:
    """Yield the errors of an action's roles."""
    if isinstance(roles, str) or not isinstance(roles, (Mapping, Sequence)):
        yield f"{action!r}: expected a list of roles or a mapping of role to scope, got {roles!r}"
        return
    scopes = roles.values() if isinstance(roles, Mapping) else ()
    for scope in scopes:
        if scope not in ("all", "own") and not isinstance(scope, (And, Or, Not, Comparison)):
            yield f"{action!r}: expected the scope 'all', 'own' or a filter, got {scope!r}"
    if any(not isinstance(role, str) or not role.strip() for role in roles):
        yield f"{action!r}: expected roles that are non-empty texts"


def read_meta(doctype: type, *, without: Collection[int | str] = (), actions: Sequence[str] = ACTIONS) -> MetaOptions:
    """Return the options of the class's own `Meta`, which is not inherited, except those in `without`.

    Permissions may name `actions`. Raises pydantic's ValidationError.
    """
    meta = doctype.__dict__.get("Meta")
    stated = vars(meta).items() if meta else ()
    kept = {key: value for key, value in stated if not key.startswith("__") and key not in without}
    return MetaOptions.model_validate(kept, context=actions)
