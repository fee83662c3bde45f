--- Log2 histograms of the latency of gRPC calls, one for each method.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category grpc, latency
-- @arg top  int(1..1000)=10  Methods shown, the most called first
-- @arg of   enum(duration,latency,server,queue)=duration  Which time: whole, to response headers, in server, in sockets
-- @usage    spf -s grpc_latency -a of=server /run/app.sock
-- @output
-- demo.Shop/GetItem
--    [128us, 256us) 3 ████████████████████
--    [256us, 512us) 6 ████████████████████████████████████████
--   [512us, 1.02ms) 1 ██████▋
--
-- demo.Shop/ListItems
--    [256us, 512us) 1 █████████████▍
--   [512us, 1.02ms) 3 ████████████████████████████████████████
local agg = require "spf.agg"
local hist = agg.hist()
local unknown = 0

local TIME = {
  duration = function(c) return c.duration_us end,
  latency = function(c) return c.latency_us end,
  server = function(c) return c.server_us end,
  queue = function(c) return c.queue_us end,
}
local time = TIME[spf.args.of]

function on_call(c)
  if not c.rpc_method then return end
  local us = time(c)
  if us then hist:add(us, c.rpc_method) else unknown = unknown + 1 end
end

function on_end()
  hist:print { unit = "us", top = spf.args.top }
  if unknown > 0 then print(("\n%d calls without a known %s"):format(unknown, spf.args.of)) end
end
