--- One line per gRPC call: time, who, method, status, latency, sizes.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category grpc, log
-- @arg method pattern=?  Only methods that match this Lua pattern
-- @usage    spf -s grpc_log /run/app.sock
-- @output
local fmt, color = require "spf.fmt", require "spf.color"
local only = spf.args.method

local function who(comm, pid)
  return comm and pid and comm .. "[" .. pid .. "]" or comm or pid and "[" .. pid .. "]" or "?"
end

function on_call(c)
  local m = c.rpc_method
  if not m or only and not m:find(only) then return end
  local status = c.rpc_status or c.error or c.outcome
  color.print(table.concat({
    fmt.time(c.start or c.ts), who(c.client_comm, c.client_pid), "→", who(c.server_comm, c.server_pid), m,
    c.failed and color.red(status) or color.green(status), fmt.duration(c.duration_us, "us"),
    fmt.bytes(c.req_bytes) .. "/" .. fmt.bytes(c.resp_bytes), c.req_messages .. "/" .. c.resp_messages .. " msgs",
  }, "  "))
end
