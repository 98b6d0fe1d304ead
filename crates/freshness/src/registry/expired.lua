-- ARGV: claim ms, lease ms.
-- Marks that ran out, as {token, groups, token, groups, …}; claimed for a while, so that one sweep does each.
local now = now_ms()
edges(now, tonumber(ARGV[2]))
local answer = {}
for _, token in ipairs(redis.call('ZRANGEBYSCORE', root .. 'marks', '-inf', digits(now), 'LIMIT', 0, 16)) do
  local groups = redis.call('HGET', root .. 'orphans', token)
  if groups then
    redis.call('ZADD', root .. 'marks', digits(now + tonumber(ARGV[1])), token)
    answer[#answer + 1] = token
    answer[#answer + 1] = groups
  else
    redis.call('ZREM', root .. 'marks', token)
  end
end
return answer
