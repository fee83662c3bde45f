--- Failed gRPC calls with their message and the metadata that matters.
--- At the end a count by method and status.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category grpc, errors
-- @usage    spf -s grpc_errors /run/app.sock
-- @output
-- 04:58:31.651161  demo.Shop/GetItem  NOT_FOUND  after 288us
--     no gold in this shop
--     → :authority: localhost
--     → user-agent: grpc-python/1.51.1 grpc-c/29.0.0 (linux; chttp2)
-- 04:58:31.659089  demo.Shop/Buy  RESOURCE_EXHAUSTED  after 267us
--     sold out
--     → :authority: localhost
--     → user-agent: grpc-python/1.51.1 grpc-c/29.0.0 (linux; chttp2)
local agg, fmt, text, color = require "spf.agg", require "spf.fmt", require "spf.text", require "spf.color"
local grpc = require "spf.grpc"
local counts = agg.count()
local calls, unknown = 0, 0

-- Metadata that every call has says nothing about a failure.
local DULL = {
  [":method"] = true, [":scheme"] = true, [":path"] = true, [":status"] = true, ["content-type"] = true,
  ["te"] = true, ["grpc-accept-encoding"] = true, ["accept-encoding"] = true, ["grpc-status"] = true,
  ["grpc-message"] = true, ["grpc-encoding"] = true, ["date"] = true, ["server"] = true,
}

local function metadata(what, list)
  if not list then return end
  for name, value in list:each() do
    if not DULL[name] then print("    " .. what .. " " .. name .. ": " .. text.escape(value)) end
  end
end

function on_call(c)
  if not c.rpc_method then return end
  calls = calls + 1
  if grpc.is_unknown(c) then unknown = unknown + 1 end
  if not c.failed then return end
  local status = c.rpc_status or c.error or c.outcome
  counts:add(c.rpc_method, status)
  color.print(fmt.time(c.start or c.ts) .. "  " .. c.rpc_method .. "  " .. color.red(status) .. "  after " ..
    fmt.duration(c.duration_us, "us") .. (c.outcome ~= "complete" and "  (" .. c.outcome .. ")" or ""))
  if c.grpc_message and c.grpc_message ~= "" then print("    " .. text.escape(c.grpc_message)) end
  metadata("→", c.request.headers)
  metadata("←", c.response.headers)
  metadata("←", c.response.trailers)
end

function on_end()
  if #counts:rows() == 0 then
    print(("none of %d gRPC calls is known to have failed"):format(calls))
  else
    print()
    counts:print { columns = { "method", "status" } }
  end
  grpc.print_unknown(unknown, calls)
end
