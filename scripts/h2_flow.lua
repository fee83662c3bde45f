--- Flow control of HTTP/2: who waited for WINDOW_UPDATE, and how long.
--- A sender stalls when its data has used up the window of the stream or of the
--- connection, until the peer opens it again. Connections that were open before the
--- capture are left out: their windows are not known.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category http2, latency
-- @arg top  int(1..1000)=20  Rows
-- @usage    spf -s h2_flow /run/app.sock
-- @output
-- WINDOW  SENDER  PATH  STALLS  TOTAL     P50    MAX
-- stream  server  /big       2  300ms  50.0ms  250ms
--
-- SENDER  SENT  LEAST STREAM WINDOW  LEAST CONNECTION WINDOW
-- client    0B                    -                        -
-- server   23B                    0                    65512
local agg, tab, fmt = require "spf.agg", require "spf.table", require "spf.fmt"
local stalls, sent, lowest = agg.quantile(), agg.sum(), agg.min()
local skipped = agg.uniq()

local PEER = { client = "server", server = "client" }

-- Windows that are used up, of a connection: the path of the DATA that did it by stream (0: the
-- connection's own) and sender.
local state = spf.per_conn(function() return { client = {}, server = {} } end)
local open = 0

local function set(w, id, path)
  open = open + (path and 1 or 0) - (w[id] and 1 or 0)
  w[id] = path
end

local function on_data(f)
  local w = state(f)[f.from]
  sent:add(f.length, f.from)
  if not f.conn_window then
    skipped:add(f.conn_id)
    return
  end
  lowest:add(f.conn_window, "connection", f.from)
  if f.conn_window == 0 and not w[0] then set(w, 0, f.path or "?") end
  if not f.window then return end
  lowest:add(f.window, "stream", f.from)
  if f.window == 0 and not w[f.stream_id] then set(w, f.stream_id, f.path or "?") end
end

-- A WINDOW_UPDATE opens the window of its sender's peer; SETTINGS, once the peer acknowledges
-- them, those of its streams.
local function on_open(f)
  local c, id = state(f), f.stream_id
  if f.type == "SETTINGS" then
    stalls:add(f.stalled_us, "stream", f.from, "?")
    for stream in pairs(c[f.from]) do
      if stream ~= 0 then set(c[f.from], stream, nil) end
    end
    return
  end
  local from = PEER[f.from]
  stalls:add(f.stalled_us, id == 0 and "connection" or "stream", from, c[from][id] or f.path or "?")
  set(c[from], id, nil)
end

function on_frame(f)
  if not PEER[f.from] then return end
  if f.type == "DATA" then on_data(f) end
  if f.stalled_us then on_open(f) end
  if f.end_stream or f.type == "RST_STREAM" then set(state(f)[f.from], f.stream_id, nil) end
  if f.type == "RST_STREAM" then set(state(f)[PEER[f.from]], f.stream_id, nil) end
end

function on_end()
  local rows = stalls:rows { sort = "sum", top = spf.args.top }
  if #rows == 0 then
    print("no sender ran out of window and got more")
  else
    local t = tab.new { "WINDOW", "SENDER", "PATH", "STALLS>", "TOTAL>", "P50>", "MAX>" }
    for _, r in ipairs(rows) do
      t:row(r.keys[1], r.keys[2], r.keys[3], r.count, fmt.duration(r.sum, "us"), fmt.duration(r.p50, "us"),
        fmt.duration(r.max, "us"))
    end
    t:print()
  end
  if open > 0 then print(("%d windows were used up at the end"):format(open)) end
  print()
  local t = tab.new { "SENDER", "SENT>", "LEAST STREAM WINDOW>", "LEAST CONNECTION WINDOW>" }
  for _, from in ipairs { "client", "server" } do
    t:row(from, fmt.bytes(sent:get(from)), lowest:get("stream", from), lowest:get("connection", from))
  end
  t:print()
  if skipped:get() > 0 then print(("%d connections were open before the capture: left out"):format(skipped:get())) end
end
