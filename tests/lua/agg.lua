-- SPDX-License-Identifier: BSD-2-Clause
local eq, agg = require "eq", require "spf.agg"

local c = agg.count()
for i = 1, 10 do c:add(i % 3) end
c:add("a", "b")
c:add(nil)
eq(c:get(1), 4)
eq(c:get("a", "b"), 1)
eq(c:get("nobody"), 0)
local rows = c:rows { top = 2 }
eq({ rows[1].key, rows[1].count, #rows }, { "1", 4, 2 })
eq(c:rows { sort = "key" }[1].key, "-")

-- keys are bounded, the rest is one
local few = agg.count { max_keys = 3 }
for i = 1, 100 do few:add(i) end
eq(few:get("(other)"), 97)
eq(#few:rows(), 4)

local s = agg.stats()
for _, v in ipairs { 2, 4, 4, 4, 5, 5, 7, 9 } do s:add(v) end
local r = s:rows()[1]
eq({ r.count, r.sum, r.avg, r.min, r.max, r.stddev }, { 8, 40, 5, 2, 9, 2 })
eq(agg.min():get("x"), nil)
local m = agg.max()
m:add(3, "k")
m:add(1, "k")
m:add(nil, "k")
eq(m:get("k"), 3)

-- a quantile is within 1 % of the exact one, over six decades
local q, exact, x = agg.quantile { 0.01, 0.5, 0.9, 0.99, 0.999 }, {}, 12345
for i = 1, 20000 do
  x = (x * 1103515245 + 12345) % 2147483648
  exact[i] = 10 ^ (x / 2147483648 * 6)
  q:add(exact[i], "k")
end
table.sort(exact)
for _, p in ipairs { 0.01, 0.5, 0.9, 0.99, 0.999 } do
  local want = exact[math.floor(p * (#exact - 1)) + 1]
  local got = q:quantile(p, "k")
  if math.abs(got - want) > 0.0101 * want then error(("p%g: %g is not within 1 %% of %g"):format(p, got, want)) end
end
eq(q:rows()[1].p99_9 ~= nil, true)
local a, b, both = agg.quantile(), agg.quantile(), agg.quantile()
for i = 1, 1000 do
  both:add(i)
  if i % 2 == 0 then a:add(i) else b:add(i) end
end
a:merge(b)
eq(a:rows(), both:rows())
eq(pcall(a.merge, a, agg.count()), false)
local z = agg.quantile()
z:add(0)
eq(z:quantile(0.5), 0)

-- powers of two: the borders are where they should be
local h = agg.hist()
for _, v in ipairs { 0, 0.5, 1, 2, 3, 4, 7.99, 8, 1023, 1024, 2 ^ 40 - 1, 2 ^ 40, -1 } do h:add(v) end
local by = {}
for _, bk in ipairs(h:rows()[1].buckets) do if bk.count > 0 then by[tostring(bk.low)] = bk.count end end
eq(by, { ["-inf"] = 1, ["0"] = 2, ["1"] = 1, ["2"] = 2, ["4"] = 2, ["8"] = 1, ["512"] = 1, ["1024"] = 1,
  [tostring(2 ^ 39)] = 1, [tostring(2 ^ 40)] = 1 })

local l = agg.lhist(0, 100, 10)
for _, v in ipairs { -5, 0, 9.9, 10, 99, 100, 500 } do l:add(v) end
local counts = {}
for _, bk in ipairs(l:rows()[1].buckets) do counts[#counts + 1] = bk.count end
eq(counts, { 1, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 2 })
eq(pcall(agg.lhist, 0, 10, 0), false)

-- the ten most frequent of many are right
local t = agg.topk(10)
for i = 1, 30000 do t:add("rare" .. i) end
for i = 1, 10 do for _ = 1, 200 * i do t:add("often" .. i) end end
for i = 30001, 40000 do t:add("rare" .. i) end
rows = t:rows()
eq(#rows, 10)
for i, row in ipairs(rows) do
  eq(row.key, "often" .. 11 - i)
  if row.count < 200 * (11 - i) or row.count - row.error > 200 * (11 - i) then error("topk: bound broken for " .. row.key) end
end

local u = agg.uniq()
for i = 1, 500 do u:add(i % 100) end
eq(u:get(), 100)
for i = 1, 50000 do u:add("v" .. i) end
local got = u:get()
if math.abs(got - 50100) > 0.12 * 50100 then error("uniq: " .. got .. " of 50100") end
local u1, u2 = agg.uniq(), agg.uniq()
for i = 1, 600 do u1:add(i) end
for i = 300, 700 do u2:add(i) end
eq(u1:merge(u2):get(), 700)

c:clear()
eq(c:rows(), {})
eq(agg.count():json(), "{}")
