-- ARGV: stamp, keep ms, entry, value, ttl ms, groups…
-- 1 when stored; 0 when a group changed since the stamp was read or a writer is in flight.
local versions, now = {}, now_ms()
for i = 6, #ARGV do
  local version, marked_until = look(ARGV[i])
  if not version or marked_until > now then
    return 0
  end
  versions[#versions + 1] = version
end
if redis.sha1hex(table.concat(versions, ' ')) ~= ARGV[1] then
  return 0
end
redis.call('SET', root .. 'e:' .. ARGV[3], ARGV[1] .. ARGV[4], 'PX', ARGV[5])
for i = 6, #ARGV do
  -- The names of a group's entries, for their number and for removing them when the group changes.
  local names = root .. 'n:' .. ARGV[i]
  redis.call('ZREMRANGEBYSCORE', names, '-inf', digits(now))
  redis.call('ZADD', names, digits(now + tonumber(ARGV[5])), ARGV[3])
  redis.call('PEXPIRE', names, ARGV[2])
  redis.call('PEXPIRE', root .. 'g:' .. ARGV[i], ARGV[2])
end
return 1
