-- ARGV: session, which answers nothing from memory any more.
redis.call('HDEL', edges_key, 'l:' .. ARGV[1], 'r:' .. ARGV[1])
return 1
