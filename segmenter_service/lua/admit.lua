-- Count a stream among those of its tenant that have a state, unless there are as many as may be. Those whose states have gone count no more.
-- Returns 1 where it counts now, or did already; 0 where there is no room.
-- KEYS: streams   ARGV: connection, now_ms, until when its state lives, most, ttl_ms
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then
  return 0
end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
