--- gRPC calls by method with error count and latency quantiles.
--- Latency is the whole call, from the first byte of the request to the last of the response.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category grpc, latency
-- @arg top  int(1..1000)=20  Rows
-- @usage    spf -s grpc_methods -a top=5 /run/app.sock
-- @output
-- METHOD               CALLS  ERR     P50     P99
-- demo.Shop/GetItem       10    2   279us   821us
-- demo.Shop/ListItems      4    0   550us   723us
-- demo.Shop/AddItems       2    0   596us   743us
-- demo.Shop/Buy            2    2   192us   267us
-- demo.Shop/Deliver        2    1  50.9ms   300ms
-- demo.Shop/Haggle         2    0  1.07ms  4.55ms
local agg, tab, fmt, grpc = require "spf.agg", require "spf.table", require "spf.fmt", require "spf.grpc"
local lat, err = agg.quantile(), agg.count()
local calls, unknown = 0, 0

function on_call(c)
  if not c.rpc_method then return end
  lat:add(c.duration_us or 0, c.rpc_method)
  if c.failed then err:add(c.rpc_method) end
  calls = calls + 1
  if grpc.is_unknown(c) then unknown = unknown + 1 end
end

function on_end()
  local t = tab.new { "METHOD", "CALLS>", "ERR>", "P50>", "P99>" }
  for _, r in ipairs(lat:rows { top = spf.args.top }) do
    t:row(r.key, r.count, err:get(r.key), fmt.duration(r.p50, "us"), fmt.duration(r.p99, "us"))
  end
  t:print()
  grpc.print_unknown(unknown, calls)
end
