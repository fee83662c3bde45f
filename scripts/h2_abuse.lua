--- Signs of HTTP/2 abuse: rapid reset, small-frame floods, header bombs.
--- Each connection is measured by the second; a line is printed when a rate or a size passes
--- its limit, once for each connection and kind.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category http2, security
-- @arg resets  int(1..1000000)=100  RST_STREAM of a client a second (CVE-2023-44487)
-- @arg control int(1..1000000)=100  SETTINGS, PING, empty DATA or PRIORITY frames a second, each (CVE-2019-9512, -9515, -9518)
-- @arg continuations int(1..100000)=8  CONTINUATION frames of a header block (CVE-2024-27316)
-- @arg headers bytes=64K  Size of a decoded header list (CVE-2016-1544)
-- @usage    spf -s h2_abuse /run/app.sock
-- @output
-- 22:13:21.403000  rapid reset  4/s (limit 3/s)  conn 1  /run/flow.sock  by greedy[71]
-- 1 alarms in 24 frames; the most seen:
-- SIGN                     MOST  LIMIT
-- CONTINUATION of a block     0      8
-- PING flood                  1    100
-- SETTINGS flood              2    100
-- header list bytes         173  65536
-- rapid reset                 4      3
local agg, fmt, tab, color = require "spf.agg", require "spf.fmt", require "spf.table", require "spf.color"
local A = spf.args
local most, alarms, frames = agg.max(), 0, 0

local state = spf.per_conn(function() return { second = 0, rates = {}, said = {} } end)

local function alarm(c, f, kind, value, limit)
  if c.said[kind] then return end
  c.said[kind] = true
  alarms = alarms + 1
  color.print(fmt.time(f.ts) .. "  " .. color.red(kind) .. ("  %s (limit %s)  conn %d  %s  by %s[%s]"):format(value, limit,
    f.conn_id, f.addr or "?", f.comm or "?", f.pid or "?"))
end

-- Counts f as kind; the rate is that of the current second.
local function rate(c, f, kind, limit)
  local n = (c.rates[kind] or 0) + 1
  c.rates[kind] = n
  most:add(n, kind)
  if n > limit then alarm(c, f, kind, n .. "/s", limit .. "/s") end
end

local function header_bytes(f)
  local n = 0
  for name, value in f.headers:each() do n = n + #name + #value + 32 end -- as RFC 9113 §6.5.2 counts
  return n
end

function on_frame(f)
  frames = frames + 1
  local c = state(f)
  local second = math.floor(f.ts)
  if second ~= c.second then c.second, c.rates = second, {} end
  local kind = f.type
  if kind == "RST_STREAM" and f.from == "client" then
    rate(c, f, "rapid reset", A.resets)
  elseif (kind == "SETTINGS" or kind == "PING") and not f.ack then
    rate(c, f, kind .. " flood", A.control)
  elseif kind == "PRIORITY" then
    rate(c, f, "PRIORITY flood", A.control)
  elseif kind == "DATA" and f.data_length == 0 and not f.end_stream then
    rate(c, f, "empty DATA flood", A.control)
  elseif kind == "HEADERS" then
    local n = f.continuations or 0
    most:add(n, "CONTINUATION of a block")
    if n > A.continuations then alarm(c, f, "CONTINUATION flood", n .. " in one block", A.continuations) end
    if f.headers then
      local size = header_bytes(f)
      most:add(size, "header list bytes")
      if size > A.headers then
        local sizes = fmt.bytes(size) .. " from " .. fmt.bytes(f.header_bytes) .. " on the wire"
        alarm(c, f, "header bomb", sizes, fmt.bytes(A.headers))
      end
    end
  end
end

function on_end()
  print(("%d alarms in %d frames; the most seen:"):format(alarms, frames))
  local t = tab.new { "SIGN", "MOST>", "LIMIT>" }
  local LIMIT = { ["rapid reset"] = A.resets, ["CONTINUATION of a block"] = A.continuations, ["header list bytes"] = A.headers }
  for _, r in ipairs(most:rows { sort = "key" }) do t:row(r.key, r.max, LIMIT[r.key] or A.control) end
  t:print()
end
