-- Makes what is missing and replaces what ran out. Returns the epoch and the stamps.
-- Atomic, because two readers that make a stamp must agree on it.
local answer = {epoch}
for i = 2, #KEYS do
  local tokens, stale = tokens_of(KEYS[i])
  if stale then
    put(KEYS[i], tokens)
  end
  answer[i] = redis.call('GET', KEYS[i])
end
return answer
