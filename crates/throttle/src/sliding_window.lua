-- One try against an exact sliding window. KEYS[1]: a list of the instants (microseconds) of the tries that still count,
-- oldest first. ARGV[1]: limit. ARGV[2]: window in microseconds.
-- Returns {allowed, remaining tries | microseconds until the oldest try leaves the window}.
-- The server's clock decides, so replicas with different clocks agree.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local limit = tonumber(ARGV[1])
local window = tonumber(ARGV[2])

local oldest = redis.call('LINDEX', KEYS[1], 0)
while oldest and tonumber(oldest) <= now - window do
  redis.call('LPOP', KEYS[1])
  oldest = redis.call('LINDEX', KEYS[1], 0)
end

local used = redis.call('LLEN', KEYS[1])
if used >= limit then
  return {0, tonumber(oldest) + window - now}
end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return {1, limit - used - 1}
