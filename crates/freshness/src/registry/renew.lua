-- ARGV: session, lease ms. 0 when the session is no member, or not any more: it has to join anew.
local now, lease = now_ms(), tonumber(ARGV[2])
edges(now, lease)
local member = 'l:' .. ARGV[1]
if redis.call('HEXISTS', edges_key, member) == 0 then
  return 0
end
redis.call('HSET', edges_key, member, digits(now + lease))
return 1
