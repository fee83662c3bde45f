--- One line per gRPC call: time, who, method, status, latency, sizes.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category grpc, log
-- @arg method pattern=?  Only methods that match this Lua pattern
-- @usage    spf -s grpc_log /run/app.sock
-- @output
-- 04:58:31.648997  client.py[30171]  →  server.py[29911]  demo.Shop/GetItem  OK  824us  12B/12B  1/1 msgs
-- 04:58:31.649984  default-executo[30171]  →  server.py[29911]  demo.Shop/GetItem  OK  259us  14B/14B  1/1 msgs
-- 04:58:31.650329  client.py[30171]  →  server.py[29911]  demo.Shop/GetItem  OK  379us  15B/15B  1/1 msgs
-- 04:58:31.650798  client.py[30171]  →  server.py[29911]  demo.Shop/GetItem  OK  277us  15B/15B  1/1 msgs
-- 04:58:31.651161  client.py[30171]  →  server.py[29911]  demo.Shop/GetItem  NOT_FOUND  288us  13B/0B  1/0 msgs
-- 04:58:31.651655  client.py[30171]  →  server.py[29911]  demo.Shop/ListItems  OK  723us  5B/56B  1/4 msgs
-- 04:58:31.652671  client.py[30171]  →  server.py[29911]  demo.Shop/ListItems  OK  588us  5B/56B  1/4 msgs
-- 04:58:31.653422  client.py[30171]  →  server.py[29911]  demo.Shop/AddItems  OK  744us  41B/12B  3/1 msgs
local fmt, color = require "spf.fmt", require "spf.color"
local only = spf.args.method

local function who(comm, pid)
  return comm and pid and comm .. "[" .. pid .. "]" or comm or pid and "[" .. pid .. "]" or "?"
end

function on_call(c)
  local m = c.rpc_method
  if not m or only and not m:find(only) then return end
  local status = c.rpc_status or c.error or c.rpc_status_likely and c.rpc_status_likely .. "?" or
    (c.outcome == "complete" and "status?" or c.outcome)
  color.print(table.concat({
    fmt.time(c.start or c.ts), who(c.client_comm, c.client_pid), "→", who(c.server_comm, c.server_pid), m,
    c.failed and color.red(status) or color.green(status), fmt.duration(c.duration_us, "us"),
    fmt.bytes(c.req_bytes) .. "/" .. fmt.bytes(c.resp_bytes), c.req_messages .. "/" .. c.resp_messages .. " msgs",
  }, "  "))
end
