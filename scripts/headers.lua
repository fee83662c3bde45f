--- Header fields by name: count, bytes, HPACK saving, never-indexed.
--- PLAIN is name and value as text, WIRE what they took; a dash where the field came over HTTP/1.
-- @author   spf authors
-- @license  BSD-2-Clause
-- @api      1
-- @category http, http2
-- @arg top  int(1..10000)=30  Rows
-- @arg by   enum(count,plain,wire,values)=plain  Sort column
-- @usage    spf -s headers -a by=wire /run/app.sock
-- @output
-- NAME                  COUNT  VALUES  PLAIN  WIRE   SAVED  INDEXED  NEVER
-- grpc-accept-encoding     39       1  1.64K  129B   92.3%       37      0
-- user-agent               22       1  1.25K   82B   93.6%       21      0
-- content-type             44       1  1.20K  134B   89.1%       41      0
-- :path                    22       6   506B  170B   66.4%       16      0
-- :authority               22       1   418B   43B   89.7%       21      0
-- grpc-status              22       4   264B   78B   70.5%       18      0
-- :method                  22       1   242B   22B   90.9%       22      0
local agg, tab, fmt = require "spf.agg", require "spf.table", require "spf.fmt"
local plain, wire, values, indexed, never = agg.sum(), agg.sum(), agg.uniq(), agg.count(), agg.count()

local function add(list, h2)
  if not list then return end
  for _, h in ipairs(list) do
    local name = h.name:lower()
    plain:add(#h.name + #h.value, name)
    values:add(h.value, name)
    if h2 then wire:add(h.wire_length, name) end
    if h.indexed then indexed:add(name) end
    if h.sensitive then never:add(name) end
  end
end

function on_frame(f) add(f.headers, true) end
function on_http(m) add(m.headers, false) end

local SORT = { count = "count", plain = "sum", wire = "wire", values = "values" }

function on_end()
  local rows, all_plain, all_wire = plain:rows(), 0, 0
  for _, r in ipairs(rows) do
    r.wire, r.values = wire:get(r.key), values:get(r.key)
    if r.wire > 0 then
      all_plain = all_plain + r.sum
      all_wire = all_wire + r.wire
    end
  end
  local by = SORT[spf.args.by]
  table.sort(rows, function(a, b)
    if a[by] ~= b[by] then return a[by] > b[by] end
    return a.key < b.key
  end)
  local t = tab.new { "NAME", "COUNT>", "VALUES>", "PLAIN>", "WIRE>", "SAVED>", "INDEXED>", "NEVER>" }
  for i = 1, math.min(#rows, spf.args.top) do
    local r = rows[i]
    local known = r.wire > 0
    t:row(r.key, r.count, r.values, fmt.bytes(r.sum), known and fmt.bytes(r.wire) or nil,
      known and fmt.percent(r.sum - r.wire, r.sum) or nil, indexed:get(r.key), never:get(r.key))
  end
  t:print()
  if all_plain > 0 then
    print(("HPACK: %s as %s on the wire, %s saved"):format(fmt.bytes(all_plain), fmt.bytes(all_wire),
      fmt.percent(all_plain - all_wire, all_plain)))
  end
end
