-- Put one item into a mailbox (idempotent: an item that is there stays as it is), take the lease if nobody holds it as `acquire` does,
-- and see what there is. Where somebody else holds it, the item is left to them alone if the sweep looks after the connection should they
-- die: its state says so with its first byte (`mailbox.SWEPT`). A new connection has no state yet, and one that is closed is not swept.
-- What nobody would look after goes with the lease of whoever takes it now, up to their first commit: should they die, its push comes
-- again, or was a repetition of one that has been answered.
-- An item that may wait is only put in where its drain would change nothing but the timeline: `settle` said so of the state that there
-- is, under the number of the last lease, for what is about a time from which on. Whoever takes the lease next finds it.
-- Returns {fence, state, mail, bell} to the holder of a lease, 0 where somebody else holds it, 1 where the item waits, 2 where somebody
-- else holds it to whom nothing may be left: then nothing was put in.
-- KEYS: mail, state, bell, lease, fence, rest
-- ARGV: field, value, ttl_ms, lease_ms, most that may wait (0 = this one may not), the first millisecond that it is about, its clock
local held = redis.call('EXISTS', KEYS[4]) == 1
local swept = redis.call('GETRANGE', KEYS[2], 0, 0) == '+'
if held and not swept then
  return 2
end
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
local bell = redis.call('INCR', KEYS[3])
if swept then
  for i = 1, 3 do
    redis.call('PEXPIRE', KEYS[i], ARGV[3])
  end
else
  for i = 1, 3, 2 do
    if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[4]) then
      redis.call('PEXPIRE', KEYS[i], ARGV[4])
    end
  end
end
if held then
  return 0
end
local last = redis.call('GET', KEYS[5])
if redis.call('HLEN', KEYS[1]) <= tonumber(ARGV[5]) then
  local rest = redis.call('HMGET', KEYS[6], 'fence', ARGV[7])
  if last and rest[1] == last and rest[2] and tonumber(ARGV[6]) >= tonumber(rest[2]) then
    return 1
  end
end
local time = redis.call('TIME')
local fence = time[1] * 1000000 + time[2]
last = tonumber(last or '0')
if fence <= last then
  fence = last + 1
end
local text = string.format('%.0f', fence)
redis.call('SET', KEYS[5], text, 'PX', ARGV[3])
redis.call('SET', KEYS[4], text, 'PX', ARGV[4])
return {text, redis.call('GET', KEYS[2]), redis.call('HGETALL', KEYS[1]), tostring(bell)}
