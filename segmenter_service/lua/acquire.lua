-- Take the lease of a connection if nobody holds it. Returns the fencing number, or 0.
-- Numbers come from the server's clock and never go back, so they also grow across a FLUSHALL.
-- KEYS: lease, fence   ARGV: lease_ms, ttl_ms
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 0
end
local time = redis.call('TIME')
local fence = time[1] * 1000000 + time[2]
local last = tonumber(redis.call('GET', KEYS[2]) or '0')
if fence <= last then
  fence = last + 1
end
local text = string.format('%.0f', fence)
redis.call('SET', KEYS[2], text, 'PX', ARGV[2])
redis.call('SET', KEYS[1], text, 'PX', ARGV[1])
return text
