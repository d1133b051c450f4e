-- Replace the state and empty what was drained as `commit` does, and give the lease back as `release` does, in one step.
-- At rest, remember from which time on, for each clock, items which only tell who spoke then change nothing before something else
-- comes: see `take`. It holds under the number of this lease alone, so that a later holder who knows nothing of it takes it back.
-- Returns 2 when the lease was given back, 1 when there is new mail, 0 when the lease was lost.
-- KEYS: lease, state, mail, bell, rest, and others that from now on live no longer than the state
-- ARGV: fence, lease_ms, ttl_ms, bell_seen, from_ms of the clock `stream` ('' = not at rest), of `epoch`, state, field, field, …
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[2], ARGV[7], 'PX', ARGV[3])
for i = 8, #ARGV, 1000 do
  redis.call('HDEL', KEYS[3], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
redis.call('PEXPIRE', KEYS[3], ARGV[3])
for i = 6, #KEYS do
  redis.call('PEXPIRE', KEYS[i], ARGV[3])
end
if (redis.call('GET', KEYS[4]) or '0') ~= ARGV[4] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1
end
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[5], 'fence', ARGV[1], 'stream', ARGV[5], 'epoch', ARGV[6])
  redis.call('PEXPIRE', KEYS[5], ARGV[3])
else
  redis.call('DEL', KEYS[5])
end
redis.call('DEL', KEYS[1])
return 2
