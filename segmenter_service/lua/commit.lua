-- Replace the state and empty what was drained, in one step, by the holder of the lease alone. What is left of the mail lives as long.
-- KEYS: lease, state, mail, and others that from now on live no longer than the state   ARGV: fence, lease_ms, ttl_ms, state, field, field, …
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3])
for i = 5, #ARGV, 1000 do
  redis.call('HDEL', KEYS[3], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
for i = 3, #KEYS do
  redis.call('PEXPIRE', KEYS[i], ARGV[3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
