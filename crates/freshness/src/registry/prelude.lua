-- Shared by all scripts. KEYS[1] is the domain's root, which alone decides the slot.
-- Every key carries the life of the Redis process, so that what another process, or an earlier one, left is never read:
-- run_id changes with a restart, the replication id with a failover and its way back.
local life = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local replication = string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
local root = KEYS[1] .. ':' .. string.sub(life, 1, 12) .. string.sub(replication, 1, 12) .. ':'
local edges_key = root .. 'edges'

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function digits(number)
  return string.format('%.0f', number)
end

-- A mark is `expiry version-before version-of-the-mark`.
local function mark_expiry(mark)
  return tonumber(string.match(mark, '^%d+'))
end

-- The version of a group (false without one) and the greatest expiry of its marks (0 without one).
local function look(group)
  local fields = redis.call('HGETALL', root .. 'g:' .. group)
  local version, marked_until = false, 0
  for i = 1, #fields, 2 do
    if fields[i] == 'v' then
      version = fields[i + 1]
    else
      marked_until = math.max(marked_until, mark_expiry(fields[i + 1]))
    end
  end
  return version, marked_until
end

-- Who holds a lease, whose was taken away and may still be in use, and since when this life can know: one key, so that
-- losing it loses `born` with it and the quarantine begins again.
local function edges(now, lease)
  local fields = redis.call('HGETALL', edges_key)
  local born, holders = nil, {}
  for i = 1, #fields, 2 do
    local name, value = fields[i], tonumber(fields[i + 1])
    if name == 'born' then
      born = value
    else
      local kind, session = string.sub(name, 1, 1), string.sub(name, 3)
      if value > now + lease then
        -- The clock went back; nobody's lease is longer than one.
        value = now + lease
        redis.call('HSET', edges_key, name, digits(value))
      elseif value <= now and kind == 'l' then
        -- Run out by this clock, which may have jumped: for one more lease the edge counts as a holder.
        redis.call('HDEL', edges_key, name)
        kind, value = 'r', now + lease
        redis.call('HSET', edges_key, 'r:' .. session, digits(value))
      elseif value <= now then
        redis.call('HDEL', edges_key, name)
        kind = nil
      end
      if kind then
        holders[session] = math.max(holders[session] or 0, value)
      end
    end
  end
  if not born or born > now then
    born = now
    redis.call('HSET', edges_key, 'born', digits(born))
  end
  return holders, born
end
