"""The rights of users: roles and attributes, and who may give or take them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from framework_m_core.domain.context import ADMINISTRATOR, Principal
from framework_m_core.domain.errors import PermissionDeniedError

__all__ = ["check_rights", "is_administrator"]

type _Rights = frozenset[tuple[str, str]]

_RULE = "User.rights"


class _Holder(Protocol):
    email: str
    enabled: bool
    roles: list[str]
    attributes: dict[str, list[str]]


def check_rights(caller: Principal, before: _Holder | None, after: _Holder | None) -> None:
    """Refuse a change that gives or takes rights that the caller lacks, or takes over a user who has such rights.

    Raises PermissionDeniedError. `before` is None for a created user, `after` for a deleted one.
    """
    if ADMINISTRATOR in caller.roles:
        return
    held = _rights(caller.roles, caller.attributes)
    had, has = _rights_of(before), _rights_of(after)
    if missing := has - had - held:
        named = ", ".join(sorted(f"{kind} {value}" for kind, value in missing))
        raise PermissionDeniedError(f"expected roles and attributes that you hold yourself, got {named}", rule=_RULE)
    if had - has - held:
        raise PermissionDeniedError("you may remove only roles and attributes that you hold yourself", rule=_RULE)
    if before and after and (before.email, before.enabled) != (after.email, after.enabled) and had - held:
        message = "you may change email and enabled only of users who hold no role or attribute that you lack"
        raise PermissionDeniedError(message, rule=_RULE)


def is_administrator(user: _Holder) -> bool:
    """Return whether the user is an administrator who may log in."""
    return user.enabled and ADMINISTRATOR in user.roles


def _rights_of(user: _Holder | None) -> _Rights:
    return _rights(user.roles, user.attributes) if user else frozenset()


def _rights(roles: Iterable[str], attributes: Mapping[str, Iterable[str]]) -> _Rights:
    values = {(f"attribute {name}", value) for name, given in attributes.items() for value in given}
    return frozenset({("role", role) for role in roles} | values)
