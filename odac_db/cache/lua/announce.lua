-- A new stamp and the token ARGV[4], for ARGV[5] milliseconds, for each table. The last key is
-- the stamp of everything, which is only read: returned, "" if there is none.
-- Atomic, because the tokens of other writers must not be lost.
for i = 2, #KEYS - 1 do
  local tokens = tokens_of(KEYS[i])
  tokens[ARGV[4]] = now + tonumber(ARGV[5])
  put(KEYS[i], tokens)
end
return redis.call('GET', KEYS[#KEYS]) or ''
