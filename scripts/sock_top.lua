--- Live table of sockets: bytes each way and calls by pair of processes.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category sockets
-- @interval 500ms
-- @arg by   enum(bytes,rate,calls,writes)=bytes  Sort column
-- @arg top  int(1..1000)=20  Rows
-- @usage    spf -s sock_top
-- @output
-- CLIENT            SERVER            SOCKET          TO SERVER  TO CLIENT  BYTES/S  WRITES  CALLS
-- client.py[30171]  server.py[29911]  /run/shop.sock      2.20K      2.09K    4.01K     104     22
local fmt, screen = require "spf.fmt", require "spf.screen"
local totals = {} -- of closed connections, by names
local conns = {}  -- conn_id -> numbers of an open one; its names may become known later

local function process(comm, pid) return (comm or "?") .. (pid and "[" .. pid .. "]" or "") end

local function row_of(r)
  local row = conns[r.conn_id]
  if not row then
    row = { conn = r.conn, addr = r.addr or "?", to_server = 0, to_client = 0, calls = 0, writes = 0 }
    conns[r.conn_id] = row
  end
  return row
end

local MAX, total_cnt = 10000, 0

-- Adds a connection's numbers to those of its pair of processes in list.
local function fold(list, row)
  local c = row.conn
  local client, server = process(c.client_comm, c.client_pid), process(c.server_comm, c.server_pid)
  local key = client .. "\0" .. server .. "\0" .. row.addr
  local sum = list[key]
  if not sum and list == totals and total_cnt >= MAX then
    key, client, server = "other", "(other)", ""
    sum = list[key]
  end
  if not sum then
    sum = { client = client, server = server, addr = row.addr, to_server = 0, to_client = 0, calls = 0, writes = 0 }
    list[key] = sum
    if list == totals then total_cnt = total_cnt + 1 end
  end
  for _, k in ipairs { "to_server", "to_client", "calls", "writes" } do sum[k] = sum[k] + row[k] end
end

function on_chunk(c)
  local row = row_of(c)
  row.writes = row.writes + 1
  if c.from == "server" then row.to_client = row.to_client + c.length else row.to_server = row.to_server + c.length end
end

function on_call(c)
  local row = row_of(c)
  row.calls = row.calls + 1
end

function on_conn(c)
  local row = conns[c.conn_id]
  if c.op ~= "close" or not row then return end
  fold(totals, row)
  conns[c.conn_id] = nil
end

local before, rate, last = {}, {}, nil

-- Bytes a second since the last interval.
local function count_rates(sums, now)
  local span, seen = last and now - last, {}
  rate = {}
  for key, r in pairs(sums) do
    rate[key] = span and span > 0 and math.max(0, r.bytes - (before[key] or 0)) / span or nil
    seen[key] = r.bytes
  end
  last, before = now, seen
end

local function build(view, now)
  local t = screen.table { "CLIENT", "SERVER", "SOCKET", "TO SERVER>", "TO CLIENT>", "BYTES/S>", "WRITES>", "CALLS>" }
  local sums, list = {}, {}
  for key, row in pairs(totals) do
    sums[key] = { client = row.client, server = row.server, addr = row.addr, to_server = row.to_server,
      to_client = row.to_client, calls = row.calls, writes = row.writes }
  end
  for _, row in pairs(conns) do fold(sums, row) end
  for _, r in pairs(sums) do r.bytes = r.to_server + r.to_client end
  if now then count_rates(sums, now) end
  for key, r in pairs(sums) do
    r.rate = rate[key] or 0
    r.shown = rate[key] and fmt.bytes(math.floor(r.rate))
    list[#list + 1] = r
  end
  view:sort(list, view.by, function(r) return r.client .. r.addr end)
  for i = 1, math.min(#list, spf.args.top) do
    local r = list[i]
    t:row(r.client, r.server, r.addr, fmt.bytes(r.to_server), fmt.bytes(r.to_client), r.shown, r.writes, r.calls)
  end
  return t
end

local view = screen.new {
  title = "spf sock_top", build = build, by = spf.args.by, sort = { "bytes", "rate", "calls", "writes" },
}
function on_interval(now) view:draw(now) end
function on_key(k) view:key(k) end
function on_end() view:done() end
