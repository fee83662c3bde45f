--- Live table of sockets: bytes each way and calls by pair of processes.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category sockets
-- @interval 1s
-- @arg by   enum(bytes,rate,calls,writes)=bytes  Sort column
-- @arg top  int(1..1000)=20  Rows
-- @usage    spf -s sock_top
-- @output
-- CLIENT            SERVER            SOCKET          TO SERVER  TO CLIENT  BYTES/S  WRITES  CALLS
-- client.py[30171]  server.py[29911]  /run/shop.sock      2.20K      2.04K        -     103     22
-- ?[30171]          ?[29911]          /run/shop.sock         0B        46B        -       1      0
local fmt, screen = require "spf.fmt", require "spf.screen"
local MAX = 10000
local pairs_by_key, count, last = {}, 0, nil

local function process(comm, pid) return (comm or "?") .. (pid and "[" .. pid .. "]" or "") end

local function row_of(r)
  local c = r.conn
  local client, server = process(c.client_comm, c.client_pid), process(c.server_comm, c.server_pid)
  local key = client .. "\0" .. server .. "\0" .. (r.addr or "?")
  local row = pairs_by_key[key]
  if not row then
    if count >= MAX then
      key, client, server = "(other)", "(other)", ""
      row = pairs_by_key[key]
    end
    if not row then
      row = { client = client, server = server, addr = r.addr or "?", to_server = 0, to_client = 0, calls = 0,
        writes = 0, before = 0, rate = 0 }
      pairs_by_key[key] = row
      count = count + 1
    end
  end
  return row
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

local function build(now)
  local t = screen.table { "CLIENT", "SERVER", "SOCKET", "TO SERVER>", "TO CLIENT>", "BYTES/S>", "WRITES>", "CALLS>" }
  local list = {}
  local span = now and last and now - last
  for _, r in pairs(pairs_by_key) do
    r.bytes = r.to_server + r.to_client
    r.rate = span and span > 0 and (r.bytes - r.before) / span or 0
    if now then r.before = r.bytes end
    list[#list + 1] = r
  end
  if now then last = now end
  local by = spf.args.by
  table.sort(list, function(a, b)
    if a[by] ~= b[by] then return a[by] > b[by] end
    return a.client .. a.addr < b.client .. b.addr
  end)
  for i = 1, math.min(#list, spf.args.top) do
    local r = list[i]
    t:row(r.client, r.server, r.addr, fmt.bytes(r.to_server), fmt.bytes(r.to_client),
      span and fmt.bytes(math.floor(r.rate)), r.writes, r.calls)
  end
  return t
end

local function title() return "spf sock_top   sorted by " .. spf.args.by .. "   Ctrl-C ends" end
function on_interval(now) screen.draw(title(), build(now)) end
function on_end() screen.done(title(), build()) end
