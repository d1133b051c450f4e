-- Keep a lease that is still one's own. Returns 1, or 0 when it is not.
-- KEYS: lease   ARGV: fence, lease_ms
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
