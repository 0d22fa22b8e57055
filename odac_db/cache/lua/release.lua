-- The lease KEYS[1] ends, unless it ran out and is another's than ARGV[1] by now.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
