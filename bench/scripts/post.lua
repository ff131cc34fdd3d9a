-- POSTs records of eight fields and 400 bytes with random UUIDs as keys:  wrk -s post.lua URL -- PATH SEED
local head = "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n"
local prefix

function init(args)
  math.randomseed(tonumber(args[2]))
  prefix = string.format(head, args[1])
end

local function uuid()
  local random = math.random
  return string.format("%08x-%04x-4%03x-%04x-%06x%06x", random(0, 0xffffffff), random(0, 0xffff), random(0, 0xfff),
    random(0x8000, 0xbfff), random(0, 0xffffff), random(0, 0xffffff))
end

function request()
  local random = math.random
  local start = string.format(
    '{"id":"%s","name":"Item number %d","category":"category-%d","price":%d.25,"stock":%d,"active":true,"madeAt":"2026-03-14T09:26:53.589Z","note":"',
    uuid(), random(1000000, 9999999), random(10, 99), random(10, 99), random(100, 999))
  return prefix .. start .. string.rep("n", 398 - #start) .. '"}'
end
