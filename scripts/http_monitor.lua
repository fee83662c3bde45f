--- HTTP exchanges by server address: each latency, counts, histograms.
--- A line for each exchange as it ends; every interval and at exit, for each server address, how
--- many there were, how many failed, and a log2 histogram of their latency. HTTP/1 and HTTP/2.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category http, latency
-- @interval 10s
-- @arg each bool=true  Print a line for each exchange
-- @arg top  int(1..1000)=10  Addresses shown, the most called first
-- @usage    spf -s http_monitor -a each=no /run/app.sock
-- @output
-- 04:59:17.112709  /run/h1.sock  GET /index.html?x=1&y=a%20b  200  77.0us
-- 04:59:17.112906  /run/h1.sock  GET /a.css  200  40.7us
-- 04:59:17.140101  /run/h1.sock  GET /users/42/info  200  108us
-- 04:59:17.140324  /run/h1.sock  GET /users/7/info  200  32.0us
-- 04:59:17.140416  /run/h1.sock  GET /old  301  19.4us
-- 04:59:17.140490  /run/h1.sock  GET /none  404  47.0us
-- 04:59:17.152690  /run/h1.sock  POST /api  503  44.4us
-- 04:59:17.162289  /run/h2.sock  GET /index.html  200  113us
--
-- ADDRESS       EXCHANGES  FAILED  UNANSWERED
-- /run/h1.sock          7       1           0
-- /run/h2.sock          1       0           0
local agg, tab, fmt, grpc = require "spf.agg", require "spf.table", require "spf.fmt", require "spf.grpc"
local all, failed, unanswered, latency = agg.count(), agg.count(), agg.count(), agg.hist()
local seen, shown, unknown = 0, 0, 0

function on_call(c)
  local us, addr = c.latency_us, c.addr or "?"
  -- the request was before the capture, or which response is its is not known
  local unclear = c.status or c.outcome == "complete" or c.outcome == "evicted"
  seen = seen + 1
  all:add(addr)
  if us then latency:add(us, addr) elseif not unclear then unanswered:add(addr) end
  if c.failed then failed:add(addr) end
  if grpc.is_unknown(c) then unknown = unknown + 1 end
  if not spf.args.each then return end
  print(("%s  %s  %s %s  %s  %s"):format(fmt.time(c.start or c.ts), addr, c.method or "?",
    c.path or "?", c.status or c.outcome, us and fmt.duration(us, "us") or unclear and "?" or "no response"))
end

local function summary()
  local t = tab.new { "ADDRESS", "EXCHANGES>", "FAILED>", "UNANSWERED>" }
  for _, r in ipairs(all:rows { top = spf.args.top }) do
    t:row(r.key, r.count, failed:get(r.key), unanswered:get(r.key))
  end
  print ""
  t:print()
  grpc.print_unknown(unknown, seen)
  print ""
  latency:print { unit = "us", top = spf.args.top }
  shown = seen
end

function on_interval() if seen > shown then summary() end end
function on_end() summary() end
