"""`RedisSessions`: port `SessionProtocol` in Redis. A session is a hash, and a member of its user's set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from framework_m_core.spi import (
    Clock,
    IdGenerator,
    OpenedSession,
    Session,
    SessionKind,
    SessionRules,
    hash_secret,
)
from framework_m_standard.redis.client import Argument, RedisClient
from framework_m_standard.redis.microseconds import from_microseconds, to_microseconds, to_milliseconds

__all__ = ["RedisSessions"]

_OPEN: Final = """
local session, sessions, prefix = KEYS[1], KEYS[2], ARGV[1]
local now, most, id, epoch = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local kept = 0
for _, other in ipairs(redis.call('ZREVRANGE', sessions, 0, -1)) do
  local found = redis.call('HMGET', prefix .. other, 'expires', 'epoch')
  if found[1] and tonumber(found[1]) > now and found[2] == epoch and kept < most - 1 then
    kept = kept + 1
  else
    redis.call('DEL', prefix .. other)
    redis.call('ZREM', sessions, other)
  end
end
redis.call('HSET', session, 'epoch', epoch, 'modified', ARGV[2], unpack(ARGV, 7))
redis.call('PEXPIRE', session, ARGV[6])
redis.call('ZADD', sessions, ARGV[2], id)
redis.call('PEXPIRE', sessions, ARGV[6])
"""
"""Of the user's live sessions, the newest are kept."""

_ROTATE: Final = """
local session, prefix, id, now = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local presented, fresh, csrf, expires = ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local found = redis.call('HMGET', session, 'expires', 'secret_hash', 'modified', 'user')
if not found[1] or tonumber(found[1]) <= now then return false end
local sessions = prefix .. found[4]
if found[2] == presented then
  redis.call('HSET', session, 'secret_hash', fresh, 'csrf_hash', csrf, 'expires', expires, 'modified', ARGV[3])
  redis.call('PEXPIRE', session, ARGV[8])
  redis.call('ZADD', sessions, ARGV[3], id)
  redis.call('PEXPIRE', sessions, ARGV[8])
elseif not (found[2] == fresh and now < tonumber(found[3]) + tonumber(ARGV[9])) then
  if ARGV[10] == '1' then
    redis.call('DEL', session)
    redis.call('ZREM', sessions, id)
  end
  return false
end
return redis.call('HGETALL', session)
"""
"""What is compared are hashes of 256 random bits: how long that takes tells nobody anything."""

_END: Final = """
local user = redis.call('HGET', KEYS[1], 'user')
redis.call('DEL', KEYS[1])
if user then redis.call('ZREM', ARGV[1] .. user, ARGV[2]) end
"""


class RedisSessions:
    """Sessions in Redis; each change is one script, so that of several at once all see the first one's."""

    def __init__(self, redis_client: RedisClient, session_rules: SessionRules, clock: Clock, ids: IdGenerator) -> None:
        self._client = redis_client
        self._rules = session_rules
        self._secrets = session_rules.secrets
        self._clock = clock
        self._ids = ids
        self._open = redis_client.make_script(_OPEN)
        self._rotate = redis_client.make_script(_ROTATE)
        self._end = redis_client.make_script(_END)

    async def open(self, user_id: UUID, epoch: int, kind: SessionKind) -> OpenedSession:
        """Begin a session, and delete the user's void, expired and excess sessions."""
        id, now = self._ids(), self._clock()
        secret, csrf = self._secrets.make_first(id)
        opened = Session(
            id, user_id, kind, epoch, now + self._rules.lifetime, hash_secret(secret), hash_secret(csrf)
        )  # fmt: skip
        fields = {
            "user": str(user_id),
            "kind": kind.value,
            "expires": str(to_microseconds(opened.expires)),
            "secret_hash": opened.secret_hash,
            "csrf_hash": opened.csrf_hash,
        }
        flat = [text for pair in fields.items() for text in pair]
        maximum, ttl = self._rules.max_per_user, to_milliseconds(self._rules.lifetime)
        arguments: list[Argument] = [
            self._client.key_of("session", ""),
            to_microseconds(now),
            maximum,
            str(id),
            epoch,
            ttl,
            *flat,
        ]
        await self._open([self._key(id), self._client.key_of("sessions", str(user_id))], arguments)
        return OpenedSession(opened, secret, csrf)

    async def find(self, session_id: UUID) -> Session | None:
        """Return the session unless it has ended or expired."""
        found: Mapping[bytes, bytes] = await self._client.execute("HGETALL", self._key(session_id))
        session = _session(session_id, found) if found else None
        return session if session and session.expires > self._clock() else None

    async def rotate(self, session_id: UUID, secret: str, *, address: str = "") -> OpenedSession | None:
        """Exchange a refresh secret for a new one; a spent one ends the session, a wrong one changes nothing."""
        now = self._clock()
        fresh, csrf = self._secrets.make_next(session_id, secret, address)
        hashes = [hash_secret(text) for text in (secret, fresh, csrf)]
        times = [to_microseconds(now + self._rules.lifetime), to_milliseconds(self._rules.lifetime)]
        grace, is_known = to_microseconds(self._rules.grace), int(self._secrets.is_known(session_id, secret))
        head: list[Argument] = [self._client.key_of("sessions", ""), str(session_id), to_microseconds(now)]
        flat: Sequence[bytes] | None = await self._rotate(
            [self._key(session_id)], [*head, *hashes, *times, grace, is_known]
        )
        if flat is None:
            return None
        return OpenedSession(_session(session_id, dict(zip(flat[::2], flat[1::2], strict=True))), fresh, csrf)

    async def end(self, session_id: UUID) -> None:
        """End a session; do nothing if it has already ended."""
        await self._end([self._key(session_id)], [self._client.key_of("sessions", ""), str(session_id)])

    def _key(self, session_id: UUID) -> str:
        return self._client.key_of("session", str(session_id))


def _session(session_id: UUID, found: Mapping[bytes, bytes]) -> Session:
    expires: datetime = from_microseconds(found[b"expires"])
    return Session(
        id=session_id,
        user_id=UUID(found[b"user"].decode()),
        kind=SessionKind(found[b"kind"].decode()),
        epoch=int(found[b"epoch"]),
        expires=expires,
        secret_hash=found[b"secret_hash"].decode(),
        csrf_hash=found[b"csrf_hash"].decode(),
    )
