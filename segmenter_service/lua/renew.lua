-- Keep a lease that is still one's own. Returns 1, or 0 when it is not.
-- The mail may be as short-lived as the lease: see `take`.
-- KEYS: lease, mail   ARGV: fence, lease_ms
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
return 1
