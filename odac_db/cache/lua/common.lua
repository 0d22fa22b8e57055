-- What every script begins with.
-- KEYS[1]: the counter, a hash: e the epoch, r the run id of the server it belongs to, n the
-- last number. KEYS[2...]: stamps, "epoch:number", with ";token=deadline" for each token.
-- ARGV[1]: an epoch to begin with if there is none, ARGV[2]: the run id, ARGV[3]: milliseconds
-- that a token stands in a stamp that had to be made (0: none).
-- A stamp of another epoch is missing: it is from before the server lost something.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local epoch = redis.call('HGET', KEYS[1], 'e')
if not epoch then
  epoch = ARGV[1]
  redis.call('HSET', KEYS[1], 'e', epoch, 'r', ARGV[2], 'n', 0)
end

-- The tokens that stand, and whether the stamp has to be replaced.
local function tokens_of(key)
  local text = redis.call('GET', key)
  local tokens = {}
  if not text or string.sub(text, 1, #epoch + 1) ~= epoch .. ':' then
    if tonumber(ARGV[3]) > 0 then
      tokens['lost'] = now + tonumber(ARGV[3])
    end
    return tokens, true
  end
  local ran_out = false
  for name, deadline in string.gmatch(text, ';([^=;]+)=(%d+)') do
    if tonumber(deadline) > now then
      tokens[name] = tonumber(deadline)
    else
      ran_out = true
    end
  end
  return tokens, ran_out
end

local function put(key, tokens)
  local text = epoch .. ':' .. redis.call('HINCRBY', KEYS[1], 'n', 1)
  for name, deadline in pairs(tokens) do
    text = text .. string.format(';%s=%d', name, deadline)
  end
  redis.call('SET', key, text)
end
