"""Passwords as argon2id hashes, computed and verified outside the event loop, two at a time."""

from __future__ import annotations

import asyncio
import base64
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import Enum, auto

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from framework_m_core.domain.errors import FieldError, ValidationError

__all__ = ["MAX_LENGTH", "MIN_LENGTH", "PasswordCheck", "Passwords", "check_strength"]

MIN_LENGTH, MAX_LENGTH = 8, 1024
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
        self._nobodys = _hash_of_nothing(self._hasher)

    async def hash(self, password: str) -> str:
        """Return a new hash. Raises ValidationError for a password that is too short or too long."""
        check_strength(password)
        return await self._beside(self._hasher.hash, _octets(password))

    async def verify(self, stored: str | None, password: str) -> PasswordCheck:
        """Compare a password with a stored hash. Without a hash it takes as long, and the result is WRONG."""
        if len(password) > MAX_LENGTH:
            stored, password = None, ""
        right = await self._beside(self._matches, _octets(password), stored or self._nobodys)
        if not right or stored is None:
            return PasswordCheck.WRONG
        return PasswordCheck.OUTDATED if self._hasher.check_needs_rehash(stored) else PasswordCheck.RIGHT

    def _matches(self, password: bytes, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _beside[*A, R](self, function: Callable[[*A], R], *arguments: *A) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def check_strength(password: str) -> None:
    """Raise ValidationError for a password that is too short or too long."""
    if MIN_LENGTH <= len(password) <= MAX_LENGTH:
        return
    code = "too_short" if len(password) < MIN_LENGTH else "too_long"
    message = f"expected a password of {MIN_LENGTH} to {MAX_LENGTH} characters, got {len(password)}"
    params = {"min_length": MIN_LENGTH, "max_length": MAX_LENGTH}
    raise ValidationError(message, [FieldError("password", code, message, params)])


def _octets(password: str) -> bytes:
    """Return the same bytes for the same text, however a keyboard composed it."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _hash_of_nothing(hasher: PasswordHasher) -> str:
    """Return a hash that matches no password and costs as much to verify as any."""
    salt, digest = (_unpadded(os.urandom(size)) for size in (hasher.salt_len, hasher.hash_len))
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${digest}"


def _unpadded(octets: bytes) -> str:
    return base64.b64encode(octets).decode().rstrip("=")
