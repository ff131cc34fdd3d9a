-- GETs paths from a file with an Authorization header ('' for none):  wrk -s get-as.lua URL -- FILE AUTHORIZATION
local requests = {}

function init(args)
  math.randomseed(os.time())
  local headers = {}
  if args[2] ~= nil and args[2] ~= "" then headers["Authorization"] = args[2] end
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end

function request()
  return requests[math.random(#requests)]
end
