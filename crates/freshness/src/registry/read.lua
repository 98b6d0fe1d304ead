-- ARGV: nonce, keep ms, entry, stamp of the local copy ('' without one), groups…
-- Answers {state, stamp, value}: 0 a writer is in flight, 1 the local copy is current, 2 here is the value, 3 nothing.
local versions, marked_until = {}, 0
for i = 5, #ARGV do
  local version, marked = look(ARGV[i])
  if not version then
    version = ARGV[1] .. '.' .. i
    local key = root .. 'g:' .. ARGV[i]
    redis.call('HSET', key, 'v', version)
    redis.call('PEXPIRE', key, ARGV[2])
  end
  versions[#versions + 1] = version
  marked_until = math.max(marked_until, marked)
end
local stamp = redis.sha1hex(table.concat(versions, ' '))
if marked_until > 0 and marked_until > now_ms() then
  return {0, stamp}
end
if stamp == ARGV[4] then
  return {1, stamp}
end
local value = redis.call('GET', root .. 'e:' .. ARGV[3])
if value and string.sub(value, 1, 40) == stamp then
  return {2, stamp, value}
end
return {3, stamp}
