--- SETTINGS of each side of HTTP/2 connections beside the defaults.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category http2
-- @usage    spf -s h2_settings /run/app.sock
-- @output
-- SENDER  COMMAND  SETTING                 VALUE   DEFAULT  TIMES
-- client  greedy   0xf0                        1   unknown      1
-- client  greedy   INITIAL_WINDOW_SIZE        10     65535      1
-- server  server   MAX_CONCURRENT_STREAMS    100  no limit      1
-- client: 1 SETTINGS, 1 acknowledged
-- server: 1 SETTINGS, 1 acknowledged
local agg = require "spf.agg"
local tab = require "spf.table"
local color = require "spf.color"

-- RFC 9113 §6.5.2; false: unlimited unless set
local DEFAULT = {
  HEADER_TABLE_SIZE = 4096, ENABLE_PUSH = 1, MAX_CONCURRENT_STREAMS = false, INITIAL_WINDOW_SIZE = 65535,
  MAX_FRAME_SIZE = 16384, MAX_HEADER_LIST_SIZE = false,
}
local counts, acks, sent = agg.count(), agg.count(), agg.count()

function on_frame(f)
  if f.type ~= "SETTINGS" then return end
  if f.ack then
    acks:add(f.from)
    return
  end
  sent:add(f.from)
  for name, value in pairs(f.settings or {}) do counts:add(f.from, f.comm or "?", name, value) end
end

function on_end()
  local value_column = { name = "VALUE>", color = function() return "yellow" end }
  local t = tab.new { "SENDER", "COMMAND", "SETTING", value_column, "DEFAULT>", "TIMES>" }
  for _, r in ipairs(counts:rows { sort = "key" }) do
    local name, value = r.keys[3], tonumber(r.keys[4])
    local default = DEFAULT[name]
    if default == nil then default = "unknown" elseif default == false then default = "no limit" end
    t:row(r.keys[1], r.keys[2], name, value, value == default and "same" or default, r.count)
  end
  t:print()
  for _, from in ipairs { "client", "server" } do
    local peer = from == "client" and "server" or "client"
    color.print(("%s: %d SETTINGS, %d acknowledged"):format(from, sent:get(from), acks:get(peer)))
  end
end
