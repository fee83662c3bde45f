-- SPDX-License-Identifier: BSD-2-Clause
-- spf.screen: a table that is drawn anew at each interval, sorted as keys say.
--
--   local view = screen.new { title = "calls", sort = { "calls", "p99" }, build = build }
--   function on_interval(now) view:draw(now) end
--   function on_key(k) view:key(k) end
--   function on_end() view:done() end
--
-- Where the output is no terminal, nothing is drawn but the last state, by done(). Nothing is
-- hidden or switched here (the keyboard is spf's own to restore), and the last numbers stay.
local tab = require "spf.table"
local color = require "spf.color"
local tty = spf.tty

local screen = {}
local view = {}
view.__index = view

local CLEAR_LINE, CLEAR_BELOW = "\27[K", "\27[J"

--- Draws a heading line and a table, cut to the rows that fit.
---@param title string
---@param t table of spf.table
function screen.draw(title, t)
  if not tty.isatty() then return end
  t.options.width = tty.cols()
  local lines = t:lines()
  local out = { color.bold(title) }
  for i = 1, math.min(#lines, tty.rows() - 2) do out[#out + 1] = lines[i] end
  if #lines == 1 then out[#out + 1] = color.dim("nothing yet") end
  tty.home()
  for _, line in ipairs(out) do
    color.write(line)
    tty.write(CLEAR_LINE .. "\n")
  end
  tty.write(CLEAR_BELOW)
end

--- The last state: on a terminal drawn over the screen, else printed.
function screen.done(title, t)
  if tty.isatty() then
    screen.draw(title, t)
  else
    t:print()
  end
end

--- A table with columns as spf.table.new takes them.
screen.table = tab.new

---@class spf.View
---@field by string what it is sorted by
---@field reversed boolean
---@field paused boolean

--- A screen with keys: s and S sort by the next and the last column (or left and right), r turns
--- the order round, p pauses, q quits.
---@param o { title: string, sort?: string[], by?: string, build: fun(view: spf.View, now?: number): table }
---@return spf.View
function screen.new(o)
  local sort = o.sort or {}
  return setmetatable({ title = o.title, columns = sort, build = o.build, by = o.by or sort[1],
    reversed = false, paused = false }, view)
end

local function heading(v)
  local parts = { v.title }
  if v.by then parts[#parts + 1] = "by " .. v.by .. (v.reversed and ", least first" or "") end
  if v.paused then parts[#parts + 1] = "PAUSED" end
  parts[#parts + 1] = v.by and "s sort  r reverse  p pause  q quit" or "p pause  q quit"
  local line = table.concat(parts, "   ")
  return #line <= tty.cols() and line or line:sub(1, tty.cols())
end

--- At each interval. now goes to build(), which is also called without, for a key.
function view:draw(now)
  if self.paused then return end
  self.last = self:build(now)
  screen.draw(heading(self), self.last)
end

local function turn(v, step)
  for i, name in ipairs(v.columns) do
    if name == v.by then
      v.by = v.columns[(i - 1 + step) % #v.columns + 1]
      return
    end
  end
end

local KEYS = {
  q = function() spf.exit() end,
  s = function(v) turn(v, 1) end,
  S = function(v) turn(v, -1) end,
  r = function(v) v.reversed = not v.reversed end,
  p = function(v) v.paused = not v.paused end,
}
KEYS.Q, KEYS.right, KEYS.left, KEYS[" "] = KEYS.q, KEYS.s, KEYS.S, KEYS.p

--- A key was pressed: what on_key got.
---@param key string
function view:key(key)
  if not KEYS[key] then return end
  KEYS[key](self)
  if not self.paused or not self.last or key ~= "p" then self.last = self:build() end
  screen.draw(heading(self), self.last)
end

--- Sorts rows by one of their members, most first, then by name.
---@param rows table[]
---@param member string
---@param name string|fun(row: table): string
function view:sort(rows, member, name)
  local function name_of(row) return type(name) == "function" and name(row) or row[name] end
  table.sort(rows, function(a, b)
    local x, y = a[member], b[member]
    if x == y then return name_of(a) < name_of(b) end
    if self.reversed then return x < y end
    return x > y
  end)
end

function view:done()
  screen.done(self.title, self:build())
end

return screen
