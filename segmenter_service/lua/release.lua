-- Give a lease back, unless mail came in since the holder last looked: that mail's push has been acknowledged on the
-- strength of this lease, so its holder must look again.
-- Returns 1 when it was given back (or was lost), 0 when there is new mail.
-- KEYS: lease, bell   ARGV: fence, bell_seen ('' = give back in any case)
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 1
end
if ARGV[2] ~= '' and (redis.call('GET', KEYS[2]) or '0') ~= ARGV[2] then
  return 0
end
redis.call('DEL', KEYS[1])
return 1
