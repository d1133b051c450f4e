-- Replace the state and empty what was drained, in one step, by the holder of the lease alone.
-- KEYS: lease, state, mail   ARGV: fence, lease_ms, ttl_ms, state, field, field, …
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[3])
for i = 5, #ARGV, 1000 do
  redis.call('HDEL', KEYS[3], unpack(ARGV, i, math.min(i + 999, #ARGV)))
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
