"""Passwords as argon2id hashes, computed and verified outside the event loop, two at a time."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from framework_m_standard.auth.credentials.password_rules import MAX_LENGTH, check_strength, normalize_password

__all__ = ["PasswordCheck", "Passwords"]

_MEMORY_KIB = 19 * 1024
_AT_ONCE = 2


class PasswordCheck(Enum):
    """The result of a verification."""

    WRONG = auto()
    RIGHT = auto()
    OUTDATED = auto()
    """Right, but hashed with outdated parameters: hash it again."""


class Passwords:
    """Password hashing and verification; the number of concurrent runs bounds memory and processor time."""

    def __init__(self, *, memory_kib: int = _MEMORY_KIB, passes: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._threads = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="passwords")
        self._dummy_hash = _make_dummy_hash(self._hasher)

    async def hash(self, password: str, email: str = "") -> str:
        """Return a new hash. Raises ValidationError for a password that `password_rules` refuse."""
        check_strength(password, email)
        return await self.rehash(password)

    async def rehash(self, password: str) -> str:
        """Return a new hash of a password that was right, whatever the rules for new ones are now."""
        return await self._in_thread(self._hasher.hash, _octets(password))

    async def verify(self, stored: str | None, password: str) -> PasswordCheck:
        """Compare a password with a stored hash. Without a hash it takes as long, and the result is WRONG."""
        if len(password) > MAX_LENGTH:
            stored, password = None, ""
        right = await self._in_thread(self._matches, _octets(password), stored or self._dummy_hash)
        if not right or stored is None:
            return PasswordCheck.WRONG
        return PasswordCheck.OUTDATED if self._hasher.check_needs_rehash(stored) else PasswordCheck.RIGHT

    def _matches(self, password: bytes, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread[*A, R](self, function: Callable[[*A], R], *arguments: *A) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def _octets(password: str) -> bytes:
    return normalize_password(password).encode("utf-8", "surrogatepass")


def _make_dummy_hash(hasher: PasswordHasher) -> str:
    """Return a hash that matches no password and costs as much to verify as any."""
    salt, digest = (_unpadded(os.urandom(size)) for size in (hasher.salt_len, hasher.hash_len))
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


def _unpadded(octets: bytes) -> str:
    return base64.b64encode(octets).decode().rstrip("=")
