--- Long-lived gRPC streams: age, messages and their rate, last activity.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category grpc, streaming
-- @interval 500ms
-- @arg min  int(0..1000000)=2  Messages from which on a stream is shown
-- @arg top  int(1..1000)=20  Rows
-- @usage    spf -s grpc_streams /run/app.sock
-- @output
-- METHOD               CONN  STREAM     AGE  MSGS→  MSGS←   MSGS/S  BYTES  IDLE  STATE
-- demo.Shop/ListItems     1      11   616us      1      4   8122.2    36B     -  OK
-- demo.Shop/ListItems     1      13   495us      1      4  10106.8    36B     -  OK
-- demo.Shop/AddItems      1      15   479us      3      1   8355.2    33B     -  OK
-- demo.Shop/Haggle        1      17  3.92ms      3      3   1531.8    52B     -  OK
-- demo.Shop/ListItems     1      35   318us      1      4  15720.8    36B     -  OK
-- demo.Shop/ListItems     1      37   481us      1      4  10402.5    36B     -  OK
-- demo.Shop/AddItems      1      39   355us      3      1  11252.3    33B     -  OK
local fmt, screen = require "spf.fmt", require "spf.screen"
local MAX = 10000 -- streams remembered
local streams, count, now = {}, 0, 0

local function key(r) return r.conn_id .. "/" .. (r.stream_id or "-") end

local function oldest()
  local found
  for k, s in pairs(streams) do
    if not found or s.last < streams[found].last then found = k end
  end
  return found
end

function on_message(m)
  now = math.max(now, m.ts)
  local k = key(m)
  local s = streams[k]
  if not s then
    if count >= MAX then streams[oldest()] = nil else count = count + 1 end
    s = { conn = m.conn_id, id = m.stream_id, method = m.rpc_method or "?", first = m.ts, client = 0, server = 0,
      bytes = 0, state = "open" }
    streams[k] = s
  end
  s.last = m.ts
  s.bytes = s.bytes + m.length
  s[m.from] = (s[m.from] or 0) + 1
end

function on_call(c)
  now = math.max(now, c.ts)
  local s = streams[key(c)]
  if not s then return end
  s.state = c.rpc_status or c.outcome
  -- single requests with single answers are no streams: forget them
  if s.client + s.server < spf.args.min or s.client <= 1 and s.server <= 1 then
    streams[key(c)] = nil
    count = count - 1
  end
end

local function build(_, at)
  at = at or now
  local t = screen.table { "METHOD", "CONN>", "STREAM>", "AGE>", "MSGS→>", "MSGS←>", "MSGS/S>", "BYTES>", "IDLE>", "STATE" }
  local list = {}
  for _, s in pairs(streams) do
    if s.client + s.server >= spf.args.min then list[#list + 1] = s end
  end
  table.sort(list, function(a, b)
    if a.first ~= b.first then return a.first < b.first end
    return a.id < b.id
  end)
  for i = 1, math.min(#list, spf.args.top) do
    local s = list[i]
    local ended = s.state ~= "open"
    local age = (ended and s.last or at) - s.first
    t:row(s.method, s.conn, s.id, fmt.duration(age, "s"), s.client, s.server,
      age > 0 and ("%.1f"):format((s.client + s.server) / age) or nil, fmt.bytes(s.bytes),
      ended and "-" or fmt.duration(at - s.last, "s"), s.state)
  end
  return t
end

local view = screen.new { title = "spf grpc_streams   oldest first", build = build }
function on_interval(at) view:draw(at) end
function on_key(k) view:key(k) end
function on_end() view:done() end
