-- ARGV: token, groups…
-- The writer rolled back, for certain. Where nobody else came in between, the version of before is true again, and with it
-- every entry.
for i = 2, #ARGV do
  local key = root .. 'g:' .. ARGV[i]
  local mark = redis.call('HGET', key, 'w:' .. ARGV[1])
  if mark then
    local before, version = string.match(mark, '^%d+ (%S+) (%S+)$')
    if before ~= '-' and redis.call('HGET', key, 'v') == version then
      redis.call('HSET', key, 'v', before)
    end
    redis.call('HDEL', key, 'w:' .. ARGV[1])
  end
end
redis.call('ZREM', root .. 'marks', ARGV[1])
redis.call('HDEL', root .. 'orphans', ARGV[1])
return 1
