-- A mixture of reads and writes:  wrk -s mixed.lua URL -- FILE
-- Each line of FILE is "PERCENT METHOD MOST PATH"; %d in PATH becomes a number from 1 to MOST. A PUT sends a review.
local parts = {}

function init(args)
  math.randomseed(os.time())
  local upTo = 0
  for line in io.lines(args[1]) do
    local percent, method, most, path = line:match("^(%d+) (%u+) (%d+) (%S+)$")
    upTo = upTo + tonumber(percent)
    parts[#parts + 1] = { upTo = upTo, method = method, most = tonumber(most), path = path }
  end
end

local headers = { ["Content-Type"] = "application/json" }
local text = string.rep("It holds what it promises. ", 8)

function request()
  local at = math.random(100)
  for _, part in ipairs(parts) do
    if at <= part.upTo then
      local number = math.random(part.most)
      local path = part.path:find("%", 1, true) and string.format(part.path, number) or part.path
      if part.method == "GET" then return wrk.format("GET", path) end
      local review = string.format('{"product":"p-%04d","author":"Soak","stars":%d,"title":"Number %d","text":"%s","verified":false,"writtenAt":1779753600000}',
        number % 1200 + 1, math.random(5), number, text)
      return wrk.format(part.method, path, headers, review)
    end
  end
end
