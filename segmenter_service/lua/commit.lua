-- Replace the state and empty what was drained, in one step, by the holder of the lease alone. What is left of the mail lives as long.
-- Returns 2 where no mail came in after the bell was seen, 1 where some did, 0 when the lease was lost.
-- KEYS: lease, state, bell, mail, and others that from now on live no longer than the state
-- ARGV: fence, lease_ms, ttl_ms, bell_seen, state, field, field, …
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[2], ARGV[5], 'PX', ARGV[3])
for i = 6, #ARGV, 1000 do
  redis.call('HDEL', KEYS[4], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
for i = 4, #KEYS do
  redis.call('PEXPIRE', KEYS[i], ARGV[3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if (redis.call('GET', KEYS[3]) or '0') ~= ARGV[4] then
  return 1
end
return 2
