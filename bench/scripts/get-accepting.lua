-- GETs paths from a file, each chosen at random, with an Accept-Encoding ('' for none):  wrk -s get-accepting.lua URL -- FILE ENCODINGS
local requests = {}

function init(args)
  math.randomseed(os.time())
  local headers = {}
  if args[2] ~= nil and args[2] ~= "" then headers["Accept-Encoding"] = args[2] end
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end

function request()
  return requests[math.random(#requests)]
end
