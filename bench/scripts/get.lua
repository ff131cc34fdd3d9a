-- GETs paths from a file, one per line, each chosen at random:  wrk -s get.lua URL -- FILE
local requests = {}

function init(args)
  math.randomseed(os.time())
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
end

function request()
  return requests[math.random(#requests)]
end
