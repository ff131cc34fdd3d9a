-- GETs paths from a file, each chosen at random, with a header ('' for none):  wrk -s get-with.lua URL -- FILE NAME VALUE
local requests = {}

function init(args)
  math.randomseed(os.time())
  local headers = {}
  if args[3] ~= nil and args[3] ~= "" then headers[args[2]] = args[3] end
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end

function request()
  return requests[math.random(#requests)]
end
