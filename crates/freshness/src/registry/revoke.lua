-- ARGV: lease ms, sessions…
-- No renewal from here on. Answers the greatest remaining ms; of a session that is not known it is a whole lease. They
-- stay holders until then, because other writers have to wait for them too.
local now, lease = now_ms(), tonumber(ARGV[1])
local holders = edges(now, lease)
local longest = 0
for i = 2, #ARGV do
  local session = ARGV[i]
  local expiry = holders[session] or now + lease
  redis.call('HDEL', edges_key, 'l:' .. session)
  redis.call('HSET', edges_key, 'r:' .. session, digits(expiry))
  longest = math.max(longest, expiry - now)
end
return longest
