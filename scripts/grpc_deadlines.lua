--- Deadlines of gRPC calls against the time they took: who runs out?
--- USED is the share of grpc-timeout that a call took.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category grpc, latency
-- @arg top  int(1..1000)=20  Rows
-- @usage    spf -s grpc_deadlines /run/app.sock
-- @output
-- METHOD               CALLS  WITH DEADLINE  LATE  TIMEOUT P50  USED P50  USED P99
-- demo.Shop/GetItem       10              0     0            -         -         -
-- demo.Shop/ListItems      4              0     0            -         -         -
-- demo.Shop/AddItems       2              0     0            -         -         -
-- demo.Shop/Buy            2              0     0            -         -         -
-- demo.Shop/Deliver        2              2     1       51.0ms      3.0%     99.0%
-- demo.Shop/Haggle         2              0     0            -         -         -
local agg, tab, fmt = require "spf.agg", require "spf.table", require "spf.fmt"
local used, timeouts, late, calls = agg.quantile(), agg.quantile(), agg.count(), agg.count()

local total, hidden = 0, 0

-- A field whose name is not known may be grpc-timeout.
local function has_hidden(headers)
  for _, h in ipairs(headers or {}) do
    if h.unknown == true and (h.name:sub(1, 1) == "?" or h.name == "grpc-timeout") then return true end
  end
  return false
end

function on_call(c)
  local m = c.rpc_method
  if not m then return end
  calls:add(m)
  total = total + 1
  local timeout = c.timeout_us
  if not timeout then
    if has_hidden(c.request.headers) then hidden = hidden + 1 end
    return
  end
  timeouts:add(timeout, m)
  if c.duration_us and timeout > 0 then used:add(c.duration_us / timeout, m) end
  if c.rpc_status == "DEADLINE_EXCEEDED" or c.duration_us and c.duration_us > timeout then late:add(m) end
end

function on_end()
  local t = tab.new { "METHOD", "CALLS>", "WITH DEADLINE>", "LATE>", "TIMEOUT P50>", "USED P50>", "USED P99>" }
  for _, r in ipairs(calls:rows { top = spf.args.top }) do
    local with = timeouts:get(r.key)
    local function share(q)
      local x = used:quantile(q, r.key)
      return x and fmt.percent(x)
    end
    t:row(r.key, r.count, with, late:get(r.key), fmt.duration(timeouts:quantile(0.5, r.key), "us"), share(0.5), share(0.99))
  end
  t:print()
  if hidden > 0 then
    print(("whether %d of %d calls have a deadline is unknown: earlier bytes there were not seen"):format(hidden, total))
  end
end
