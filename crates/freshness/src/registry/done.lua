-- ARGV: token of a write that is stamped and announced.
redis.call('ZREM', root .. 'marks', ARGV[1])
redis.call('HDEL', root .. 'orphans', ARGV[1])
return 1
