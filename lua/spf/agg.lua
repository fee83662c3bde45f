-- SPDX-License-Identifier: BSD-2-Clause
-- spf.agg: aggregates by key: counts, sums, quantiles, histograms.
--
--   local lat = agg.quantile()
--   lat:add(c.duration_us, c.rpc_method)
--   for _, r in ipairs(lat:rows { top = 10 }) do print(r.key, r.count, r.p99) end
--
-- Memory is bounded: past max_keys keys (default 10,000) new ones are counted as "(other)".
-- A quantile is off by at most 1 % of its value; uniq by about 3 % past 1,000 values (standard
-- error of its 1,024 registers).
local fmt = require "spf.fmt"

local floor, log, huge, max, min = math.floor, math.log, math.huge, math.max, math.min
local select, tostring, concat, sqrt = select, tostring, table.concat, math.sqrt

local agg = {}

local SEP = "\31"
local OTHER = "(other)"
local NONE = "" -- the key of an aggregate without keys

-- One aggregate: cells by key. Each kind gives new() -> cell, add(cell, value), merge(cell, cell),
-- fill(cell, row, self) and the name of the column by which rows sort.
local Aggregate = {}
Aggregate.__index = Aggregate

local function new(kind, options)
  options = options or {}
  local a = { kind = kind, cells = {}, names = {}, count = 0, max_keys = options.max_keys or 10000 }
  for k, v in pairs(options) do a[k] = v end
  kind.meta = kind.meta or { __index = setmetatable(kind.methods or {}, Aggregate) }
  return setmetatable(a, kind.meta)
end

local function name_of(x)
  if x == nil then return "-" end
  return x
end

-- Several keys are one string in the table; their parts are kept aside for rows.
local function joined(...)
  local list = {}
  for i = 1, select("#", ...) do list[i] = tostring(name_of((select(i, ...)))) end
  return concat(list, SEP), list
end

local function key_of(...)
  local n = select("#", ...)
  if n == 1 then return name_of((...)) end
  if n == 0 then return NONE end
  return (joined(...))
end

local function new_cell(self, key, ...)
  if self.count >= self.max_keys and key ~= OTHER then
    return self.cells[OTHER] or new_cell(self, OTHER, OTHER)
  end
  local cell = self.kind.new(self)
  self.cells[key] = cell
  self.count = self.count + 1
  local _, list = joined(...)
  self.names[key] = list
  return cell
end

local function add_value(self, value, ...)
  if value == nil then return end
  local key = key_of(...)
  local cell = self.cells[key] or new_cell(self, key, ...)
  self.kind.add(cell, value, self)
end

local function add_one(self, ...)
  local key = key_of(...)
  local cell = self.cells[key] or new_cell(self, key, ...)
  cell.count = cell.count + 1
end

Aggregate.add = add_value

--- The main value of a key: its count, sum, average …; 0 (or nil, for min and the like) if it is not there.
function Aggregate:get(...)
  local cell = self.cells[key_of(...)]
  if not cell then return self.kind.empty end
  return self.kind.value(cell, self)
end

function Aggregate:clear()
  self.cells, self.names, self.count = {}, {}, 0
end

--- Adds another aggregate of the same kind.
function Aggregate:merge(other)
  if other.kind ~= self.kind then error("merge: not an aggregate of the same kind", 2) end
  for key, cell in pairs(other.cells) do
    local names = other.names[key]
    local mine = self.cells[key] or new_cell(self, key, unpack(names))
    self.kind.merge(mine, cell, self)
  end
  return self
end

--- Rows {key=, keys={…}, count=, value=, …}, sorted by options.sort (default: the main value,
--- the largest first; desc=false turns it round); the first options.top of them.
function Aggregate:rows(options)
  options = options or {}
  local list = {}
  for key, cell in pairs(self.cells) do
    local names = self.names[key]
    local row = { key = concat(names, "  "), keys = names, count = cell.count }
    row.value = self.kind.value(cell, self)
    if self.kind.fill then self.kind.fill(cell, row, self) end
    list[#list + 1] = row
  end
  local by = options.sort or self.kind.sort or "value"
  local desc = options.desc
  if desc == nil then desc = by ~= "key" end
  table.sort(list, function(a, b)
    local x, y = a[by], b[by]
    if type(x) ~= type(y) or type(x) ~= "number" and type(x) ~= "string" then x, y = tostring(x), tostring(y) end
    if x ~= y then
      if desc then return x > y end
      return x < y
    end
    return a.key < b.key
  end)
  local top = options.top
  if top then for i = #list, top + 1, -1 do list[i] = nil end end
  return list
end

local UNITS = {
  us = function(n) return fmt.duration(n, "us") end,
  ns = function(n) return fmt.duration(n, "ns") end,
  bytes = fmt.bytes,
}

local function shown(n, unit)
  if n == nil then return "-" end
  if UNITS[unit] then return UNITS[unit](n) end
  if type(n) == "number" and n ~= floor(n) then return string.format("%.2f", n) end
  return type(n) == "number" and string.format("%.0f", n) or tostring(n)
end

local function column_names(self, options, keys)
  local out = {}
  for i = 1, keys do
    out[i] = options.columns and options.columns[i] or (keys == 1 and "key" or "key" .. i)
    out[i] = out[i]:upper()
  end
  for _, c in ipairs(self.columns or self.kind.columns) do out[#out + 1] = c:upper() .. ">" end
  return out
end

--- Prints the rows as a table; options: title, unit ("us", "bytes"), top, columns (names of the keys).
function Aggregate:print(options)
  options = options or {}
  if options.title then print(options.title) end
  local rows = self:rows(options)
  if #rows == 0 then
    print("  (nothing)")
    return
  end
  local keys = 0
  for _, r in ipairs(rows) do keys = max(keys, #r.keys) end
  local t = require("spf.table").new(column_names(self, options, keys))
  for _, r in ipairs(rows) do
    local cells = {}
    for i = 1, keys do cells[i] = r.keys[i] or "" end
    for _, c in ipairs(self.columns or self.kind.columns) do
      cells[#cells + 1] = shown(r[c], c ~= "count" and options.unit)
    end
    t:row(unpack(cells))
  end
  t:print()
end

--- The rows as a line of JSON.
function Aggregate:json(options)
  return require("spf.json").encode(self:rows(options))
end

-- Numbers ------------------------------------------------------------------------------------------

local function cell_of_count() return { count = 0 } end
local function value_of_count(cell) return cell.count end
local function merge_count(a, b) a.count = a.count + b.count end

local Count = {
  new = cell_of_count, value = value_of_count, merge = merge_count, empty = 0,
  columns = { "count" }, methods = { add = add_one },
}
--- Counts: add(key…).
function agg.count(options) return new(Count, options) end

local function new_stats() return { count = 0, sum = 0, min = huge, max = -huge, square = 0 } end
local function add_stats(c, v)
  c.count = c.count + 1
  c.sum = c.sum + v
  c.square = c.square + v * v
  if v < c.min then c.min = v end
  if v > c.max then c.max = v end
end
local function merge_stats(a, b)
  a.count, a.sum, a.square = a.count + b.count, a.sum + b.sum, a.square + b.square
  a.min, a.max = min(a.min, b.min), max(a.max, b.max)
end
local function fill_stats(c, row)
  row.sum, row.min, row.max, row.avg = c.sum, c.min, c.max, c.sum / c.count
  row.stddev = sqrt(max(0, c.square / c.count - row.avg * row.avg))
end

local function stats_kind(columns, value, empty)
  return { new = new_stats, add = add_stats, merge = merge_stats, fill = fill_stats, value = value,
    columns = columns, empty = empty }
end

local Sum = stats_kind({ "sum", "count" }, function(c) return c.sum end, 0)
local Avg = stats_kind({ "avg", "count" }, function(c) return c.sum / c.count end)
local Min = stats_kind({ "min", "count" }, function(c) return c.min end)
local Max = stats_kind({ "max", "count" }, function(c) return c.max end)
local Stats = stats_kind({ "count", "avg", "min", "max", "stddev", "sum" }, value_of_count, 0)
--- Sums, averages, extremes: add(value, key…).
function agg.sum(options) return new(Sum, options) end
function agg.avg(options) return new(Avg, options) end
function agg.min(options) return new(Min, options) end
function agg.max(options) return new(Max, options) end
function agg.stats(options) return new(Stats, options) end

-- Events a second: add(key…); the time runs from the first add to spf.now().
local Rate = {
  new = cell_of_count, merge = merge_count, empty = 0, columns = { "rate", "count" },
  value = function(c, self)
    local span = spf.now() - (self.since or spf.now())
    return span > 0 and c.count / span or 0
  end,
  fill = function(_, row) row.rate = row.value end,
  methods = {
    add = function(self, ...)
      self.since = self.since or spf.now()
      return add_one(self, ...)
    end,
    clear = function(self)
      Aggregate.clear(self)
      self.since = spf.now()
    end,
  },
}
function agg.rate(options) return new(Rate, options) end

-- Histograms ---------------------------------------------------------------------------------------

-- Bar of n parts of a whole of most, in eighths of a column.
local BAR = 40
local EIGHTHS = { "▏", "▎", "▍", "▌", "▋", "▊", "▉" }
local function bar(n, most)
  local eighths = floor(n / most * BAR * 8 + 0.5)
  if n > 0 and eighths == 0 then eighths = 1 end
  return ("█"):rep(floor(eighths / 8)) .. (EIGHTHS[eighths % 8] or "")
end

local function new_hist() return { count = 0, sum = 0, buckets = {} } end
local function merge_hist(a, b)
  a.count, a.sum = a.count + b.count, a.sum + b.sum
  for i, n in pairs(b.buckets) do a.buckets[i] = (a.buckets[i] or 0) + n end
end

local function add_bucket(c, i, v)
  c.count = c.count + 1
  c.sum = c.sum + v
  c.buckets[i] = (c.buckets[i] or 0) + 1
end

-- Buckets in order, empty ones between the first and the last included.
local function fill_hist(c, row, self)
  local first, last
  for i in pairs(c.buckets) do
    if not first or i < first then first = i end
    if not last or i > last then last = i end
  end
  row.sum, row.avg, row.buckets = c.sum, c.sum / c.count, {}
  for i = first or 0, last or -1 do
    local low, high = self.kind.range(i, self)
    row.buckets[#row.buckets + 1] = { low = low, high = high, count = c.buckets[i] or 0 }
  end
end

local function print_hist(self, options)
  options = options or {}
  if options.title then print(options.title) end
  local rows = self:rows(options)
  if #rows == 0 then print("  (nothing)") end
  for n, r in ipairs(rows) do
    if n > 1 then print() end
    if r.key ~= NONE then print(r.key) end
    local most = 0
    for _, b in ipairs(r.buckets) do most = max(most, b.count) end
    local labels, width, digits = {}, 0, 0
    for i, b in ipairs(r.buckets) do
      labels[i] = string.format("[%s, %s)", shown(b.low, options.unit), shown(b.high, options.unit))
      width = max(width, fmt.width(labels[i]))
      digits = max(digits, #string.format("%d", b.count))
    end
    for i, b in ipairs(r.buckets) do
      local line = string.format("  %s %" .. digits .. "d %s", fmt.pad(labels[i], width, true), b.count,
        bar(b.count, most))
      print((line:gsub("%s+$", "")))
    end
  end
end

-- log2: bucket 0 holds [0, 1), bucket i [2^(i-1), 2^i), negative numbers bucket -1.
local function log2_bucket(v)
  if v < 1 then return v < 0 and -1 or 0 end
  local i = floor(log(v) * 1.4426950408889634)
  if 2 ^ i > v then i = i - 1 elseif 2 ^ (i + 1) <= v then i = i + 1 end -- log() rounds
  return i + 1
end

local Hist = {
  new = new_hist, merge = merge_hist, value = value_of_count, fill = fill_hist, empty = 0, columns = { "count" },
  add = function(c, v) add_bucket(c, log2_bucket(v), v) end,
  range = function(i)
    if i < 0 then return -huge, 0 end
    return i == 0 and 0 or 2 ^ (i - 1), 2 ^ i
  end,
  methods = { print = print_hist },
}
--- Histogram in powers of two: add(value, key…).
function agg.hist(options) return new(Hist, options) end

local LHist = {
  new = new_hist, merge = merge_hist, value = value_of_count, fill = fill_hist, empty = 0, columns = { "count" },
  add = function(c, v, self)
    local i = v < self.low and -1 or v >= self.high and self.cells_max or floor((v - self.low) / self.step)
    add_bucket(c, i, v)
  end,
  range = function(i, self)
    if i < 0 then return -huge, self.low end
    if i >= self.cells_max then return self.high, huge end
    return self.low + i * self.step, min(self.low + (i + 1) * self.step, self.high)
  end,
  methods = { print = print_hist },
}
--- Histogram in equal steps from low to high: add(value, key…).
function agg.lhist(low, high, step, options)
  if not (step and step > 0 and high > low) then error("lhist(low, high, step): high > low, step > 0", 2) end
  local a = new(LHist, options)
  a.low, a.high, a.step, a.cells_max = low, high, step, math.ceil((high - low) / step)
  if a.cells_max > 1000 then error("lhist: more than 1,000 steps", 2) end
  return a
end

-- Quantiles ------------------------------------------------------------------------------------------

-- Buckets whose bounds grow by GAMMA: the middle of one is within ERROR of everything in it.
local ERROR = 0.01
local GAMMA = (1 + ERROR) / (1 - ERROR)
local LOG_GAMMA = log(GAMMA)
local SMALLEST = 1e-9

local function quantile_of(c, q)
  local rank = max(0, math.ceil(q * c.count) - 1) -- nearest rank: p99 of two values is the larger
  if rank < c.zeros then return 0 end
  local order = {}
  for i in pairs(c.buckets) do order[#order + 1] = i end
  table.sort(order)
  local seen = c.zeros
  for _, i in ipairs(order) do
    seen = seen + c.buckets[i]
    if rank < seen then
      return max(c.min, min(c.max, 2 * GAMMA ^ i / (GAMMA + 1)))
    end
  end
  return c.max
end

local Quantile = {
  new = function() return { count = 0, sum = 0, min = huge, max = -huge, zeros = 0, buckets = {} } end,
  add = function(c, v)
    c.count = c.count + 1
    c.sum = c.sum + v
    if v < c.min then c.min = v end
    if v > c.max then c.max = v end
    if v < SMALLEST then
      c.zeros = c.zeros + 1
      return
    end
    local i = math.ceil(log(v) / LOG_GAMMA)
    c.buckets[i] = (c.buckets[i] or 0) + 1
  end,
  merge = function(a, b)
    a.count, a.sum, a.zeros = a.count + b.count, a.sum + b.sum, a.zeros + b.zeros
    a.min, a.max = min(a.min, b.min), max(a.max, b.max)
    for i, n in pairs(b.buckets) do a.buckets[i] = (a.buckets[i] or 0) + n end
  end,
  value = value_of_count,
  empty = 0,
  fill = function(c, row, self)
    row.sum, row.min, row.max, row.avg = c.sum, c.min, c.max, c.sum / c.count
    for i, q in ipairs(self.quantiles) do row[self.columns[i + 1]] = quantile_of(c, q) end
  end,
  methods = {
    --- The quantile q (0 to 1) of a key, nil if it has no values.
    quantile = function(self, q, ...)
      local c = self.cells[key_of(...)]
      return c and quantile_of(c, q)
    end,
  },
}
--- Quantiles, each within 1 % of its value: add(value, key…); rows have p50, p90, p99 (or p of
--- each number in qs), min, max, avg.
function agg.quantile(qs, options)
  qs = qs or { 0.5, 0.9, 0.99 }
  local a = new(Quantile, options)
  a.quantiles, a.columns = qs, { "count" }
  for i, q in ipairs(qs) do
    if q < 0 or q > 1 then error("a quantile is between 0 and 1", 2) end
    a.columns[i + 1] = ("p" .. string.format("%.4g", q * 100)):gsub("%.", "_")
  end
  a.columns[#a.columns + 1] = "max"
  return a
end

-- The most frequent -----------------------------------------------------------------------------------

-- Keeps ten times as many keys as asked for. When twice that have come, the rarer half goes, and a
-- new key starts at the largest count that went: a count is never too low, at most row.error too high.
local TopK = {
  new = function(self) return { count = self.base, error = self.base } end,
  value = value_of_count, merge = merge_count, empty = 0, columns = { "count" },
  fill = function(c, row) row.error = c.error end,
  methods = {
    add = function(self, ...)
      local key = key_of(...)
      local cell = self.cells[key]
      if not cell then
        if self.count >= 2 * self.room then self:prune() end
        cell = new_cell(self, key, ...)
      end
      cell.count = cell.count + 1
    end,
    prune = function(self)
      local list = {}
      for key, c in pairs(self.cells) do list[#list + 1] = { key = key, count = c.count } end
      table.sort(list, function(a, b) return a.count > b.count end)
      self.base = list[self.room + 1].count
      for i = self.room + 1, #list do
        self.cells[list[i].key], self.names[list[i].key] = nil, nil
      end
      self.count = self.room
    end,
    rows = function(self, options)
      local o = {}
      for k, v in pairs(options or {}) do o[k] = v end
      o.top = o.top or self.n
      return Aggregate.rows(self, o)
    end,
  },
}
--- The n most frequent keys of any number: add(key…).
function agg.topk(n, options)
  local a = new(TopK, options)
  a.n, a.room, a.base = n or 10, max(1000, 10 * (n or 10)), 0
  a.max_keys = huge
  return a
end

-- Distinct values ---------------------------------------------------------------------------------------

local EXACT, REGISTERS = 1000, 1024

-- FNV-1a with a final mix, 32 bits.
local function hash(s)
  local h = bit.tobit(0x811c9dc5)
  for i = 1, #s do
    h = bit.bxor(h, s:byte(i))
    h = bit.tobit(h + bit.lshift(h, 1) + bit.lshift(h, 4) + bit.lshift(h, 7) + bit.lshift(h, 8) + bit.lshift(h, 24))
  end
  h = bit.bxor(h, bit.rshift(h, 15))
  h = bit.tobit(h + bit.lshift(h, 11))
  h = bit.bxor(h, bit.rshift(h, 13))
  h = bit.tobit(h + bit.lshift(h, 5))
  return bit.bxor(h, bit.rshift(h, 16))
end

local function register(c, s)
  local h = hash(s)
  local slot, rest, rank = bit.band(h, REGISTERS - 1), bit.rshift(h, 10), 1
  while bit.band(rest, 1) == 0 and rank < 23 do
    rest = bit.rshift(rest, 1)
    rank = rank + 1
  end
  if rank > (c.registers[slot] or 0) then c.registers[slot] = rank end
end

local function estimate(c)
  if c.exact then return c.distinct end
  local sum, zeros = 0, 0
  for i = 0, REGISTERS - 1 do
    local r = c.registers[i] or 0
    sum = sum + 2 ^ -r
    if r == 0 then zeros = zeros + 1 end
  end
  local e = 0.7213 / (1 + 1.079 / REGISTERS) * REGISTERS * REGISTERS / sum
  if e < 2.5 * REGISTERS and zeros > 0 then e = REGISTERS * log(REGISTERS / zeros) end
  return floor(e + 0.5)
end

local function add_unique(c, v)
  c.count = c.count + 1
  v = tostring(v)
  register(c, v)
  if c.exact and not c.exact[v] then
    c.exact[v] = true
    c.distinct = c.distinct + 1
    if c.distinct > EXACT then c.exact = nil end
  end
end

local Uniq = {
  new = function() return { count = 0, distinct = 0, exact = {}, registers = {} } end,
  add = add_unique, value = estimate, empty = 0, columns = { "uniq", "count" },
  fill = function(_, row) row.uniq = row.value end,
  merge = function(a, b)
    a.count = a.count + b.count
    for i, r in pairs(b.registers) do a.registers[i] = max(a.registers[i] or 0, r) end
    if not b.exact then a.exact = nil end
    for v in pairs(a.exact and b.exact or {}) do
      if not a.exact[v] then
        a.exact[v] = true
        a.distinct = a.distinct + 1
      end
    end
    if a.distinct > EXACT then a.exact = nil end
  end,
}
--- Number of distinct values: add(value, key…).
function agg.uniq(options) return new(Uniq, options) end

return agg
