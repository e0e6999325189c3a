"""Lua scripts of the event bus: what one process decides, none may change in between."""

from __future__ import annotations

from typing import Final

__all__ = [
    "ACKNOWLEDGE",
    "DROP",
    "FORGET",
    "LEASE",
    "PARK",
    "PUBLISH",
    "READ",
    "RELEASE",
    "RETRY",
    "SET_BACK",
    "UNPARK",
]

PUBLISH: Final = """
local stream, most, count = KEYS[1], tonumber(ARGV[1]), #ARGV - 2
local now = redis.call('TIME')
local oldest_ms = now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(ARGV[2])
redis.call('XTRIM', stream, 'MINID', '~', string.format('%.0f', oldest_ms))
local function before(one, other)
  local ms, n = string.match(one, '(%d+)-(%d+)')
  local other_ms, other_n = string.match(other, '(%d+)-(%d+)')
  if ms ~= other_ms then return tonumber(ms) < tonumber(other_ms) end
  return tonumber(n) < tonumber(other_n)
end
local function is_handled(id)
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local group, first = {}, nil
    for number = 1, #info, 2 do group[info[number]] = info[number + 1] end
    if group['pending'] > 0 then first = redis.call('XPENDING', stream, group['name'])[2] end
    if not before(id, first or group['last-delivered-id']) then return false end
  end
  return true
end
local excess = redis.call('XLEN', stream) + count - most
if excess > 0 then
  if excess > most then return 0 end
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', excess)
  if #oldest > 0 and not is_handled(oldest[#oldest][1]) then return 0 end
  redis.call('XTRIM', stream, 'MAXLEN', math.max(0, most - count))
end
for number = 3, #ARGV do redis.call('XADD', stream, '*', 'event', ARGV[number]) end
return 1
"""
"""Key: the stream. Arguments: the most events, their longest life in milliseconds, the events.

Returns 0 if there is no room: only what every group has handled makes room before it is old.
"""

LEASE: Final = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] or not holder and ARGV[3] == 'renew' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
"""Key: the lease of a group. Arguments: who wants or has it, its milliseconds, `take` or `renew`.

One that has ended cannot be renewed: another process may have had it meanwhile.
"""

RELEASE: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""

READ: Final = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local group, member, count, after = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local found = redis.pcall('XREADGROUP', 'GROUP', group, member, 'COUNT', count, 'STREAMS', KEYS[1], after)
if found then return found end
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
return last and last[1] or '0-0'
"""
"""Keys: the stream, the lease. Arguments: the holder, the group, its consumer, the most entries, after which.

Only the holder reads: what another process gets would be the consumer's, and the holder would never learn of it.
Returns the id of the last entry if nothing is new.
"""

ACKNOWLEDGE: Final = """
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
for number = 3, #ARGV do
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[number])
  redis.call('HDEL', KEYS[3], ARGV[number])
end
return 1
"""
"""Keys: the stream, the lease, the failures. Arguments: the group, the holder, the entries that are handled."""

SET_BACK: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
return 1
"""
"""Keys: the lease, the failures. Arguments: the holder, the entry, how often it failed and when it is due."""

PARK: Final = """
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
local taken = redis.call('ZCARD', KEYS[4]) + redis.call('HLEN', KEYS[6])
if ARGV[3] ~= '' and taken >= tonumber(ARGV[7]) then return -1 end
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[4])
redis.call('HSET', KEYS[5], ARGV[4], ARGV[6])
redis.call('HDEL', KEYS[6], ARGV[4])
if ARGV[3] ~= '' then
  redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
  redis.call('HDEL', KEYS[3], ARGV[3])
end
return 1
"""
"""Keys: the stream, the lease, the failures, the order of what is parked, the parked events, those to be retried.

Arguments: the group, the holder, the entry if there is one, the event's id, the time, what is kept of it, the most.
"""

RETRY: Final = """
local ids = {ARGV[1]}
if ARGV[1] == '' then ids = redis.call('ZRANGE', KEYS[1], 0, -1) end
local moved = 0
for _, id in ipairs(ids) do
  local found = redis.call('HGET', KEYS[2], id)
  if found then
    redis.call('HSET', KEYS[3], id, found)
    redis.call('HDEL', KEYS[2], id)
    redis.call('ZREM', KEYS[1], id)
    moved = moved + 1
  end
end
return moved
"""
"""Keys: the order of what is parked, the parked events, those to be retried. Argument: an event's id, or nothing."""

DROP: Final = """
local ids = {ARGV[1]}
if ARGV[1] == '' then ids = redis.call('ZRANGE', KEYS[1], 0, -1) end
local dropped = 0
for _, id in ipairs(ids) do
  redis.call('HDEL', KEYS[2], id)
  dropped = dropped + redis.call('ZREM', KEYS[1], id)
end
return dropped
"""
"""Keys: the order of what is parked, the parked events. Argument: an event's id, or nothing."""

UNPARK: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('HDEL', KEYS[2], ARGV[2])
return 1
"""
"""Keys: the lease, the events to be retried. Arguments: the holder, the id of the event that is handled."""

FORGET: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1]) end
for number = 2, #KEYS do redis.call('DEL', KEYS[number]) end
"""
"""Keys: the stream, and what else there is of a group. Argument: the group."""
