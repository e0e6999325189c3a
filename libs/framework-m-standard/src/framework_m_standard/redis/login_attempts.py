"""`RedisLoginAttempts`: port `LoginAttemptsProtocol` by sorted sets, each counted in one script."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from framework_m_core.spi import AttemptLimits, Clock, IdGenerator
from framework_m_standard.redis.client import RedisClient
from framework_m_standard.redis.microseconds import from_microseconds, to_microseconds, to_milliseconds

__all__ = ["RedisLoginAttempts"]

_BEGIN: Final = """
local now, window, id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[4]
local until_ = 0
local known = tonumber(redis.call('GET', KEYS[4]) or '0') >= now
for number = 1, 3 do
  redis.call('ZREMRANGEBYSCORE', KEYS[number], '-inf', string.format('(%.0f', now - window))
  local limit = tonumber(ARGV[4 + number])
  local counts = number ~= 2 or not known
  if counts and redis.call('ZCARD', KEYS[number]) >= limit then
    local first = redis.call('ZREVRANGE', KEYS[number], limit - 1, limit - 1, 'WITHSCORES')
    until_ = math.max(until_, tonumber(first[2]) + window)
  end
end
if until_ > 0 then return string.format('%.0f', until_) end
for number = 1, 3 do
  redis.call('ZADD', KEYS[number], ARGV[1], id)
  redis.call('PEXPIRE', KEYS[number], ARGV[3])
end
return false
"""
"""Keys: the attempts on the account from the network, on the account, from the network; until when they are known."""

_SUCCEED: Final = """
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  redis.call('ZREM', KEYS[2], id)
  redis.call('ZREM', KEYS[3], id)
end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[2])
"""


class RedisLoginAttempts:
    """Attempts in Redis, each in one sorted set per limit, scored by its time; they expire with the window."""

    def __init__(self, redis_client: RedisClient, clock: Clock, ids: IdGenerator) -> None:
        self._client = redis_client
        self._clock = clock
        self._ids = ids
        self._begin = redis_client.make_script(_BEGIN)
        self._succeed = redis_client.make_script(_SUCCEED)

    async def begin(self, account: str, network: str, limits: AttemptLimits) -> datetime | None:
        """Count an attempt; if a limit is reached, count nothing and return when it no longer is."""
        window = limits.window
        spans = to_microseconds(self._clock()), to_microseconds(window), to_milliseconds(window)
        maximum = limits.per_account_and_network, limits.per_account, limits.per_network
        until = await self._begin(self._keys(account, network), [*spans, str(self._ids()), *maximum])
        return None if until is None else from_microseconds(until)

    async def succeed(self, account: str, network: str, known_for: timedelta) -> None:
        """Forget the attempts, and remember that the account is known in the network."""
        until = to_microseconds(self._clock() + known_for)
        await self._succeed(self._keys(account, network), [until, to_milliseconds(known_for)])

    async def is_known(self, account: str, network: str) -> bool:
        """Return whether the account is known in the network."""
        until = await self._client.execute("GET", self._keys(account, network)[3])
        return until is not None and int(until) >= to_microseconds(self._clock())

    def _keys(self, account: str, network: str) -> list[str]:
        key = self._client.key_of
        return [
            key("attempts", "both", account, network),
            key("attempts", "account", account),
            key("attempts", "network", network),
            key("attempts", "known", account, network),
        ]
