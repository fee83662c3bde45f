--- Live table of gRPC calls by method: rate, errors, latency quantiles.
--- Rates are of the last interval, all else since the start. A column UNKNOWN appears for calls that
--- ended with a status which nothing on the wire tells, as earlier bytes were not seen.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category grpc, latency
-- @interval 500ms
-- @arg by   enum(calls,rate,errors,p50,p99,bytes)=calls  Sort column
-- @arg top  int(1..1000)=20  Rows
-- @usage    spf -s grpc_top -a by=p99 /run/app.sock
-- @output
-- METHOD               CALLS  CALLS/S  ERR     P50     P90     P99  BYTES
-- demo.Shop/GetItem       10     10.3    2   279us   424us   821us   250B
-- demo.Shop/ListItems      4      4.1    0   550us   723us   723us   244B
-- demo.Shop/AddItems       2      2.1    0   596us   743us   743us   106B
-- demo.Shop/Buy            2      2.1    2   192us   267us   267us    24B
-- demo.Shop/Deliver        2      4.1    1  50.9ms   300ms   300ms    36B
-- demo.Shop/Haggle         2      2.1    0  1.07ms  4.55ms  4.55ms   164B
local agg, fmt, screen, grpc = require "spf.agg", require "spf.fmt", require "spf.screen", require "spf.grpc"
local lat, err, unknown, bytes = agg.quantile(), agg.count(), agg.count(), agg.sum()
local before, rate, last = {}, {}, nil

function on_call(c)
  local m = c.rpc_method
  if not m then return end
  lat:add(c.duration_us or 0, m)
  bytes:add(c.req_bytes + c.resp_bytes, m)
  if c.failed then
    err:add(m)
  elseif grpc.is_unknown(c) then
    unknown:add(m)
  end
end

local SORT = { calls = "count", rate = "rate", errors = "errors", p50 = "p50", p99 = "p99", bytes = "bytes" }

-- Calls a second since the last interval.
local function count_rates(rows, now)
  local span = last and now - last
  for _, r in ipairs(rows) do
    rate[r.key] = span and span > 0 and (r.count - (before[r.key] or 0)) / span or nil
    before[r.key] = r.count
  end
  last = now
end

local function build(view, now)
  local columns = {
    "METHOD", "CALLS>", "CALLS/S>",
    { name = "ERR>", color = function(n) return n and n > 0 and "red" end },
    "P50>", "P90>", "P99>", "BYTES>",
  }
  if #unknown:rows() > 0 then columns[#columns + 1] = "UNKNOWN>" end
  local t = screen.table(columns)
  local rows = lat:rows()
  if now then count_rates(rows, now) end
  for _, r in ipairs(rows) do
    r.errors, r.bytes, r.rate = err:get(r.key), bytes:get(r.key), rate[r.key] or 0
  end
  view:sort(rows, SORT[view.by], "key")
  for i = 1, math.min(#rows, spf.args.top) do
    local r = rows[i]
    t:row(r.key, r.count, rate[r.key] and string.format("%.1f", r.rate), r.errors, fmt.duration(r.p50, "us"),
      fmt.duration(r.p90, "us"), fmt.duration(r.p99, "us"), fmt.bytes(r.bytes), unknown:get(r.key))
  end
  return t
end

local view = screen.new {
  title = "spf grpc_top", build = build, by = spf.args.by,
  sort = { "calls", "rate", "errors", "p50", "p99", "bytes" },
}
function on_interval(now) view:draw(now) end
function on_key(k) view:key(k) end
function on_end() view:done() end
