-- For wrk: the lengths of the bodies that arrived, printed at the end.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init()
  least, most = math.huge, 0
end

function response(_, _, body)
  least = math.min(least, #body)
  most = math.max(most, #body)
end

function done()
  local low, high = math.huge, 0
  for _, thread in ipairs(threads) do
    low = math.min(low, thread:get("least"))
    high = math.max(high, thread:get("most"))
  end
  print(string.format("bodies: %d to %d bytes", low, high))
end
