-- POSTs records of eight fields and 400 bytes with ids that count up behind a prefix:  wrk -s post-counted.lua URL -- PATH PREFIX
local head = "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n"
local prefix
local name
local count = 0

function init(args)
  prefix = string.format(head, args[1])
  name = args[2]
end

function request()
  count = count + 1
  local start = string.format(
    '{"id":"%s-%012d","name":"Item number %d","category":"category-%d","price":%d.25,"stock":%d,"active":true,"madeAt":"2026-03-14T09:26:53.589Z","note":"',
    name, count, 1000000 + count, 10 + count % 90, 10 + count % 90, 100 + count % 900)
  return prefix .. start .. string.rep("n", 398 - #start) .. '"}'
end
