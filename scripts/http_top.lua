--- Live table of HTTP requests by method and path, status classes, latency.
--- Numbers and identifiers in paths are folded: /users/42 counts as /users/:id.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category http, latency
-- @interval 500ms
-- @arg by   enum(calls,errors,p50,p99,bytes)=calls  Sort column
-- @arg top  int(1..1000)=20  Rows
-- @arg fold bool=true  Fold identifiers in paths
-- @usage    spf -s http_top -a by=errors /run/docker.sock
-- @output
-- REQUEST              CALLS  2XX  3XX  4XX  5XX  NONE     P50     P99  BYTES
-- GET /index.html          2    2    0    0    0     0  77.5us   183us    34B
-- GET /users/:id/info      2    2    0    0    0     0  32.1us   108us    19B
-- GET /a.css               1    1    0    0    0     0  40.7us  40.7us    20B
-- GET /none                1    0    0    1    0     0  47.0us  47.0us   153B
-- GET /old                 1    0    1    0    0     0  19.4us  19.4us   169B
-- POST /api                1    0    0    0    1     0  44.4us  44.4us    22B
local agg, fmt, http, screen = require "spf.agg", require "spf.fmt", require "spf.http", require "spf.screen"
local lat, class, bytes = agg.quantile(), agg.count { max_keys = 50000 }, agg.sum()
local fold = spf.args.fold

function on_call(c)
  local path = c.path or "?"
  if fold then path = http.template(path) end
  local key = (c.method or "?") .. " " .. path
  lat:add(c.duration_us or 0, key)
  bytes:add(c.req_bytes + c.resp_bytes, key)
  class:add(key, c.status and math.floor(c.status / 100) .. "xx" or "none")
end

local SORT = { calls = "count", errors = "errors", p50 = "p50", p99 = "p99", bytes = "bytes" }

local function red(n) return n and n > 0 and "red" end

local function build(view)
  local t = screen.table { "REQUEST", "CALLS>", "2XX>", "3XX>", { name = "4XX>", color = red }, { name = "5XX>", color = red },
    { name = "NONE>", color = red }, "P50>", "P99>", "BYTES>" }
  local rows = lat:rows()
  for _, r in ipairs(rows) do
    for _, k in ipairs { "2xx", "3xx", "4xx", "5xx", "none" } do r[k] = class:get(r.key, k) end
    r.errors, r.bytes = r["4xx"] + r["5xx"] + r.none, bytes:get(r.key)
  end
  view:sort(rows, SORT[view.by], "key")
  for i = 1, math.min(#rows, spf.args.top) do
    local r = rows[i]
    t:row(r.key, r.count, r["2xx"], r["3xx"], r["4xx"], r["5xx"], r.none, fmt.duration(r.p50, "us"),
      fmt.duration(r.p99, "us"), fmt.bytes(r.bytes))
  end
  return t
end

local view = screen.new {
  title = "spf http_top", build = build, by = spf.args.by, sort = { "calls", "errors", "p50", "p99", "bytes" },
}
function on_interval(now) view:draw(now) end
function on_key(k) view:key(k) end
function on_end() view:done() end
