-- Put one item into a mailbox. Idempotent: an item that is there stays as it is.
-- KEYS: mail, state, bell   ARGV: field, value, ttl_ms
local added = redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
redis.call('INCR', KEYS[3])
for _, key in ipairs(KEYS) do
  redis.call('PEXPIRE', key, ARGV[3])
end
return added
