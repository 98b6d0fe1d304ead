-- ARGV: session, lease ms.
local now, lease = now_ms(), tonumber(ARGV[2])
edges(now, lease)
redis.call('HSET', edges_key, 'l:' .. ARGV[1], digits(now + lease))
return 1
