-- Delete everything of a connection, by the holder of its lease alone, unless mail came in since it last looked: what that mail
-- speaks of may have been stored after the holder deleted it, so it must look again.
-- Returns 1 when nothing is left, 0 when the lease was lost, 2 when there is new mail.
-- KEYS: lease, bell, mail, state, fence   ARGV: fence, bell_seen
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
if (redis.call('GET', KEYS[2]) or '0') ~= ARGV[2] then
  return 2
end
redis.call('DEL', unpack(KEYS))
return 1
