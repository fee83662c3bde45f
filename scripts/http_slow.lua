--- HTTP exchanges over a threshold, with headers and where the time went.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category http, latency
-- @arg over duration=100ms  Shown from this duration on
-- @arg headers bool=true  Show header fields
-- @usage    spf -s http_slow -a over=1s /run/app.sock
-- @output
-- 04:59:17.140101  108us  GET /users/42/info  200
--     to the response's headers 108us, in the server 87.1us, in the sockets 21.4us, body 0ns
--     → Host: shop.test
--     → User-Agent: curl/7.88.1
--     → Accept: */*
--     → Referer: http://ref.test/
--     ← Server: nginx/1.22.1
--     ← Date: Sat, 21 Nov 2026 04:59:17 GMT
local fmt, text, color = require "spf.fmt", require "spf.text", require "spf.color"
local over = spf.args.over * 1e6
local seen, slow = 0, 0

local function fields(arrow, list)
  if not list or not spf.args.headers then return end
  for name, value in list:each() do print("    " .. arrow .. " " .. name .. ": " .. text.escape(value)) end
end

function on_call(c)
  seen = seen + 1
  local d = c.duration_us
  if not d or d < over then return end
  slow = slow + 1
  color.print(fmt.time(c.start or c.ts) .. "  " .. color.bold(fmt.duration(d, "us")) .. "  " .. (c.method or "?") .. " " ..
    text.escape(c.path or "?") .. "  " .. (c.status or c.outcome))
  local parts = {}
  for _, p in ipairs { { "to the response's headers", c.latency_us }, { "in the server", c.server_us },
    { "in the sockets", c.queue_us }, { "body", c.latency_us and d - c.latency_us } } do
    if p[2] then parts[#parts + 1] = p[1] .. " " .. fmt.duration(p[2], "us") end
  end
  if #parts > 0 then print("    " .. table.concat(parts, ", ")) end
  fields("→", c.request.headers)
  fields("←", c.response.headers)
end

function on_end()
  print(("%d of %d exchanges took %s or longer"):format(slow, seen, fmt.duration(over, "us")))
end
