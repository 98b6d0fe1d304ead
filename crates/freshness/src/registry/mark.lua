-- ARGV: nonce, keep ms, token, mark ms, lease ms, groups…
-- From here until the stamp, or until the mark runs out, nobody uses or fills these groups.
local now = now_ms()
local expiry = digits(now + tonumber(ARGV[4]))
for i = 6, #ARGV do
  local key = root .. 'g:' .. ARGV[i]
  local before = redis.call('HGET', key, 'v') or '-'
  local version = ARGV[1] .. '.' .. i
  redis.call('HSET', key, 'v', version, 'w:' .. ARGV[3], expiry .. ' ' .. before .. ' ' .. version)
  redis.call('PEXPIRE', key, ARGV[2])
end
-- For the sweep, should the writer die.
redis.call('ZADD', root .. 'marks', expiry, ARGV[3])
redis.call('HSET', root .. 'orphans', ARGV[3], table.concat(ARGV, '\n', 6))
edges(now, tonumber(ARGV[5]))
return 1
