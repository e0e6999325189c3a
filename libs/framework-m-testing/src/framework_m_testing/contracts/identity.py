"""The contract of `IdentityProtocol`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest

from framework_m_core.domain.context import ADMINISTRATOR, GUEST
from framework_m_core.domain.errors import (
    DuplicateNameError,
    EntityNotFoundError,
    LastAdministratorError,
    ValidationError,
)
from framework_m_core.interfaces.identity import MAX_LISTED_USERS, Identity, IdentityProtocol
from framework_m_testing.contracts.contract import Contract

__all__ = ["IdentityContract"]

_ADA = "ada@example.com"
_PASSWORD = "correct horse battery"  # noqa: S105 - not a real password
_ANOTHER = "another long one"


class IdentityContract(Contract):
    """The contract of `IdentityProtocol`.

    Provide fixtures: `identity`, in development, without users, with the roles Administrator and Guest; `production`,
    an identity of another process, in production, over the same users; `kept`, an async function that returns all that
    the store holds of users and passwords, as text. Passwords may be hashed more cheaply than in production.
    """

    async def test_a_new_user_is_found_by_id_and_by_password(self, identity: IdentityProtocol) -> None:
        """Letter case and surrounding whitespace of the address are ignored."""
        user = await identity.create(" Ada@Example.com", _PASSWORD, [ADMINISTRATOR], full_name="Ada")
        assert (user.email, user.roles, user.enabled) == (_ADA, frozenset({ADMINISTRATOR}), True)
        assert await identity.find(user.id) == user
        assert await identity.verify_password("ADA@example.com ", _PASSWORD) == user
        assert await identity.find(uuid4()) is None

    async def test_an_address_is_one_however_its_letters_are_composed(self, identity: IdentityProtocol) -> None:
        """It is stored composed (NFC), found by either spelling, and taken once."""
        composed, decomposed = "jos\u00e9@example.com", "Jose\u0301@example.com"
        user = await identity.create(decomposed, _PASSWORD, [])
        assert user.email == composed
        for spelling in (composed, decomposed):
            assert await identity.find_by_email(spelling) == user
            assert await identity.verify_password(spelling, _PASSWORD) == user
            with pytest.raises(DuplicateNameError):
                await identity.create(spelling, _PASSWORD, [])

    async def test_a_wrong_password_or_an_unknown_address_is_nobodys(self, identity: IdentityProtocol) -> None:
        """No user is returned, whatever the length and characters, including those that no store can hold."""
        await identity.create(_ADA, _PASSWORD, [])
        for password in ("", _PASSWORD.upper(), f"{_PASSWORD} ", "x" * 2000, "\ud800", "\0"):
            assert await identity.verify_password(_ADA, password) is None, password
        for email in ("eve@example.com", "", "%", "' OR 1=1 --", "x" * 1000, "\ud800@example.com", "\0@example.com"):
            assert await identity.verify_password(email, _PASSWORD) is None, email

    async def test_a_user_without_a_password_is_let_in_by_none_until_one_is_set(
        self, identity: IdentityProtocol
    ) -> None:
        """A user without a password cannot log in, not even with an empty one, until a password is set."""
        user = await identity.create(_ADA, None, [])
        for password in ("", "None", _PASSWORD):
            assert await identity.verify_password(_ADA, password) is None
        await identity.set_password(_ADA, _PASSWORD)
        found = await identity.verify_password(_ADA, _PASSWORD)
        assert found is not None
        assert found.id == user.id

    async def test_an_address_is_taken_once(self, identity: IdentityProtocol, production: IdentityProtocol) -> None:
        """An address is unique, even if two processes create users concurrently."""
        asked = (identity.create(_ADA, _PASSWORD, []), production.create(_ADA.upper(), _PASSWORD, []))
        responses = await asyncio.gather(*asked, return_exceptions=True)
        assert sorted(type(response).__name__ for response in responses) == ["DuplicateNameError", "Identity"]
        with pytest.raises(DuplicateNameError, match=r"ada@example\.com"):
            await identity.create(_ADA, _PASSWORD, [])
        assert [user.email for user in await identity.list_users()] == [_ADA]

    async def test_what_makes_no_user_leaves_nothing(self, identity: IdentityProtocol) -> None:
        """An invalid address, a password under eight characters or an unknown role creates no user."""
        for email in ("ada", "", "a da@example.com"):
            with pytest.raises(ValidationError):
                await identity.create(email, _PASSWORD, [])
        for password in ("", "7 chars"):
            with pytest.raises(ValidationError):
                await identity.create(_ADA, password, [])
        with pytest.raises(ValidationError):
            await identity.create(_ADA, _PASSWORD, [ADMINISTRATOR, "No such role"])
        assert list(await identity.list_users()) == []

    async def test_a_new_password_voids_the_old_one_and_all_sessions(self, identity: IdentityProtocol) -> None:
        """A new password increments the epoch; one that is too weak changes nothing."""
        user = await identity.create(_ADA, _PASSWORD, [])
        with pytest.raises(ValidationError):
            await identity.set_password(_ADA, "7 chars")
        assert await identity.verify_password(_ADA, _PASSWORD) == user
        changed = await identity.set_password(_ADA.upper(), _ANOTHER)
        assert changed.epoch > user.epoch
        assert await identity.verify_password(_ADA, _PASSWORD) is None
        assert await identity.verify_password(_ADA, _ANOTHER) == changed == await identity.find(user.id)

    async def test_a_role_is_given_once(self, identity: IdentityProtocol) -> None:
        """Adding a role twice has no further effect and voids no session; an unknown role is rejected."""
        user = await identity.create(_ADA, _PASSWORD, [])
        for _ in range(2):
            changed = await identity.add_role(_ADA, ADMINISTRATOR)
            assert (changed.roles, changed.epoch) == (frozenset({ADMINISTRATOR}), user.epoch)
        with pytest.raises(ValidationError):
            await identity.add_role(_ADA, "No such role")
        assert await identity.find(user.id) == changed

    async def test_attributes_are_given_and_replaced_one_by_one(self, identity: IdentityProtocol) -> None:
        """Attributes not named are kept, those without values are removed; no session is voided."""
        given = {"branch": ["North", "South"], "team": ["Red"]}
        user = await identity.create(_ADA, _PASSWORD, [], attributes=given)
        assert user.attributes == {"branch": ("North", "South"), "team": ("Red",)}
        changed = await identity.set_attributes(_ADA.upper(), {"branch": ["East"], "floor": ["2"]})
        assert changed.attributes == {"branch": ("East",), "team": ("Red",), "floor": ("2",)}
        changed = await identity.set_attributes(_ADA, {"team": [], "unknown": []})
        assert changed.attributes == {"branch": ("East",), "floor": ("2",)}
        assert changed.epoch == user.epoch
        assert await identity.find(user.id) == changed

    async def test_attributes_that_no_scope_could_use_are_refused(self, identity: IdentityProtocol) -> None:
        """Empty and overlong attributes, and those that no store can hold, are rejected and change nothing."""
        user = await identity.create(_ADA, _PASSWORD, [])
        for wrong in ({"": ["x"]}, {"branch": [""]}, {"branch": ["x" * 256]}, {"branch": ["a", "\0"]}):
            with pytest.raises(ValidationError):
                await identity.set_attributes(_ADA, wrong)
            with pytest.raises(ValidationError):
                await identity.create("eve@example.com", _PASSWORD, [], attributes=wrong)
        assert list(await identity.list_users()) == [user]

    async def test_changes_at_once_are_all_kept(self, identity: IdentityProtocol, production: IdentityProtocol) -> None:
        """No change is lost because another process changes the user concurrently."""
        user = await identity.create(_ADA, None, [])
        await asyncio.gather(
            identity.add_role(_ADA, ADMINISTRATOR),
            production.add_role(_ADA, GUEST),
            identity.set_password(_ADA, _PASSWORD),
            production.disable(_ADA, even_last_administrator=True),
        )
        changed = await identity.find(user.id)
        assert changed is not None
        assert (changed.roles, changed.enabled) == (frozenset({ADMINISTRATOR, GUEST}), False)
        assert changed.epoch >= user.epoch + 2
        await identity.enable(_ADA)
        assert await identity.verify_password(_ADA, _PASSWORD) is not None

    async def test_a_disabled_user_is_out_until_enabled_again(self, identity: IdentityProtocol) -> None:
        """A disabled user cannot log in until enabled again, and earlier sessions stay void."""
        user = await identity.create(_ADA, _PASSWORD, [ADMINISTRATOR])
        disabled = await identity.disable(_ADA.upper(), even_last_administrator=True)
        assert (disabled.enabled, disabled.roles) == (False, user.roles)
        assert disabled.epoch > user.epoch
        assert await identity.verify_password(_ADA, _PASSWORD) is None
        assert await identity.find(user.id) == disabled
        enabled = await identity.enable(_ADA.upper())
        assert enabled.epoch >= disabled.epoch
        assert await identity.verify_password(_ADA, _PASSWORD) == enabled

    async def test_the_last_administrator_stays_unless_said_otherwise(self, identity: IdentityProtocol) -> None:
        """The only enabled administrator is disabled only `even_last_administrator`; one of two may go."""
        user = await identity.create(_ADA, _PASSWORD, [ADMINISTRATOR])
        await identity.create("guest@example.com", None, [GUEST])
        with pytest.raises(LastAdministratorError):
            await identity.disable(_ADA)
        assert await identity.verify_password(_ADA, _PASSWORD) == user
        await identity.create("eve@example.com", None, [ADMINISTRATOR])
        assert not (await identity.disable("eve@example.com")).enabled
        with pytest.raises(LastAdministratorError):
            await identity.disable(_ADA)
        assert not (await identity.disable(_ADA, even_last_administrator=True)).enabled

    async def test_an_unknown_user_cannot_be_changed(self, identity: IdentityProtocol) -> None:
        """Changing an unknown user raises EntityNotFoundError and creates no user."""
        changes: list[Callable[[], Awaitable[Identity]]] = [
            lambda: identity.set_password(_ADA, _PASSWORD),
            lambda: identity.add_role(_ADA, ADMINISTRATOR),
            lambda: identity.set_attributes(_ADA, {"branch": ["North"]}),
            lambda: identity.disable(_ADA),
            lambda: identity.enable(_ADA),
        ]
        for change in changes:
            with pytest.raises(EntityNotFoundError, match=r"ada@example\.com"):
                await change()
        assert list(await identity.list_users()) == []

    async def test_users_come_by_email(self, identity: IdentityProtocol) -> None:
        """`list_users` returns users sorted by email, including disabled ones, in pages."""
        for email in ("c@example.com", "A@example.com", "b@example.com"):
            await identity.create(email, None, [])
        disabled = await identity.disable("b@example.com")
        users = list(await identity.list_users())
        assert [user.email for user in users] == ["a@example.com", "b@example.com", "c@example.com"]
        assert users[1] == disabled
        assert list(await identity.list_users(limit=2)) == users[:2]
        assert list(await identity.list_users(after="A@example.com", limit=1)) == [disabled]
        assert list(await identity.list_users(after=users[-1].email)) == []

    @pytest.mark.parametrize("limit", [0, -1, MAX_LISTED_USERS + 1])
    async def test_no_more_users_are_listed_than_the_maximum(self, identity: IdentityProtocol, limit: int) -> None:
        """A `limit` outside 1 to the maximum raises ValueError."""
        with pytest.raises(ValueError, match=str(limit)):
            await identity.list_users(limit=limit)

    async def test_a_user_is_found_by_email(self, identity: IdentityProtocol) -> None:
        """Case and surrounding whitespace are ignored; a disabled user is found, too, an unknown one is not."""
        await identity.create(_ADA, None, [])
        disabled = await identity.disable(_ADA)
        assert await identity.find_by_email(" Ada@Example.com") == disabled
        for email in ("eve@example.com", "", "%", "\ud800@example.com", "\0@example.com", "x" * 1000):
            assert await identity.find_by_email(email) is None, email

    async def test_only_an_enabled_administrator_counts_as_one(self, identity: IdentityProtocol) -> None:
        """`has_administrator` is about those who may log in."""
        await identity.create("guest@example.com", None, [GUEST])
        assert not await identity.has_administrator()
        await identity.create(_ADA, None, [ADMINISTRATOR])
        assert await identity.has_administrator()
        await identity.disable(_ADA, even_last_administrator=True)
        assert not await identity.has_administrator()

    async def test_a_password_for_development_opens_nothing_in_production(
        self, identity: IdentityProtocol, production: IdentityProtocol
    ) -> None:
        """A password for development is invalid in production; the last one set decides."""
        user = await identity.create(_ADA, _PASSWORD, [], for_development=True)
        assert await identity.verify_password(_ADA, _PASSWORD) == user
        assert await production.verify_password(_ADA, _PASSWORD) is None
        for for_development in (False, True):
            await identity.set_password(_ADA, _PASSWORD, for_development=for_development)
            assert await identity.verify_password(_ADA, _PASSWORD) is not None
            assert (await production.verify_password(_ADA, _PASSWORD) is None) is for_development

    async def test_a_password_is_nowhere_in_what_is_kept(
        self, identity: IdentityProtocol, kept: Callable[[], Awaitable[str]]
    ) -> None:
        """The store holds no password in plain text, neither the first nor a later one."""
        users = [await identity.create(f"{name}@example.com", _PASSWORD, []) for name in ("ada", "eve")]
        text = await kept()
        assert all(user.email in text for user in users)
        assert _PASSWORD not in text
        await identity.set_password(_ADA, _ANOTHER)
        assert _ANOTHER not in await kept()
