-- Begins a new epoch if the server is not the one of the last (ARGV[2]: its run id): what it
-- holds may be of long ago. KEYS[1], ARGV[1] and ARGV[2] as in common.lua. Returns the epoch.
if redis.call('HGET', KEYS[1], 'r') ~= ARGV[2] then
  redis.call('HSET', KEYS[1], 'e', ARGV[1], 'r', ARGV[2], 'n', 0)
end
return redis.call('HGET', KEYS[1], 'e')
