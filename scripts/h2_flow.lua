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
local DEFAULT = 65535 -- RFC 9113 §6.9.2
local stalls, sent, lowest = agg.quantile(), agg.sum(), agg.min()
local skipped = agg.uniq()
local open = 0

local PEER = { client = "server", server = "client" }

-- Windows of the two senders of a connection: what each may still send.
local state = spf.per_conn(function(r)
  return {
    known = r.conn.seen_open ~= false,
    initial = { client = DEFAULT, server = DEFAULT },
    client = { window = DEFAULT, streams = {} },
    server = { window = DEFAULT, streams = {} },
  }
end)

local function stream(c, from, id)
  local s = c[from].streams[id]
  if not s then
    s = { window = c.initial[from] }
    c[from].streams[id] = s
  end
  return s
end

local function spend(w, n, f, scope)
  w.window = w.window - n
  lowest:add(w.window, scope, f.from)
  if w.window <= 0 and not w.since then
    w.since, w.path = f.ts, f.path or "?"
    open = open + 1
  end
end

local function grant(w, n, f, scope, from)
  w.window = w.window + n
  if w.window > 0 and w.since then
    stalls:add((f.ts - w.since) * 1e6, scope, from, w.path)
    w.since = nil
    open = open - 1
  end
end

local function on_settings(c, f)
  local initial = f.settings and f.settings.INITIAL_WINDOW_SIZE
  if not initial then return end
  local from = PEER[f.from] -- the one that it binds
  local change = initial - c.initial[from]
  c.initial[from] = initial
  for _, s in pairs(c[from].streams) do grant(s, change, f, "stream", from) end
end

function on_frame(f)
  local peer = PEER[f.from]
  if not peer then return end
  local c = state(f)
  if not c.known then
    skipped:add(f.conn_id)
    return
  end
  local kind = f.type
  if kind == "DATA" then
    sent:add(f.length, f.from)
    spend(c[f.from], f.length, f, "connection")
    spend(stream(c, f.from, f.stream_id), f.length, f, "stream")
  elseif kind == "WINDOW_UPDATE" then
    if f.stream_id == 0 then
      grant(c[peer], f.window_size_increment, f, "connection", peer)
    else
      grant(stream(c, peer, f.stream_id), f.window_size_increment, f, "stream", peer)
    end
  elseif kind == "SETTINGS" and not f.ack then
    on_settings(c, f)
  end
  if f.end_stream or kind == "RST_STREAM" then
    local s = c[f.from].streams[f.stream_id]
    if s and s.since then open = open - 1 end
    c[f.from].streams[f.stream_id] = nil
  end
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
