-- ARGV: nonce, keep ms, token, lease ms, mark ms, groups…
-- Answers {entries that died, quarantine ms, session, remaining ms, session, remaining ms, …}.
local now, lease = now_ms(), tonumber(ARGV[4])
local died = 0
local function remove(names)
  local entries = redis.call('ZRANGEBYSCORE', names, '(' .. digits(now), '+inf', 'LIMIT', 0, 10000)
  local chunk = {}
  for i = 1, #entries do
    chunk[#chunk + 1] = root .. 'e:' .. entries[i]
    if #chunk == 500 or i == #entries then
      died = died + redis.call('UNLINK', unpack(chunk))
      chunk = {}
    end
  end
  -- Beyond the bound they are only counted; their stamp is dead anyhow.
  if #entries == 10000 then
    died = died + math.max(0, redis.call('ZCOUNT', names, '(' .. digits(now), '+inf') - 10000)
  end
  redis.call('UNLINK', names)
end
for i = 6, #ARGV do
  local key = root .. 'g:' .. ARGV[i]
  redis.call('HSET', key, 'v', ARGV[1] .. '.' .. i)
  redis.call('HDEL', key, 'w:' .. ARGV[3])
  redis.call('PEXPIRE', key, ARGV[2])
  remove(root .. 'n:' .. ARGV[i])
end
local holders, born = edges(now, lease)
local quarantine = math.max(0, born + lease - now)
if quarantine == 0 and next(holders) == nil then
  redis.call('ZREM', root .. 'marks', ARGV[3])
  redis.call('HDEL', root .. 'orphans', ARGV[3])
else
  -- Somebody is to be told. Until that is done the sweep keeps it in mind, also when the mark was made in an earlier life.
  redis.call('HSET', root .. 'orphans', ARGV[3], table.concat(ARGV, '\n', 6))
  redis.call('ZADD', root .. 'marks', 'NX', digits(now + tonumber(ARGV[5])), ARGV[3])
end
local answer = {died, quarantine}
for session, expiry in pairs(holders) do
  answer[#answer + 1] = session
  answer[#answer + 1] = math.max(0, expiry - now)
end
return answer
