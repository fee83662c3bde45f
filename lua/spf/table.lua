-- SPDX-License-Identifier: BSD-2-Clause
-- spf.table: rows under a heading, aligned.
--
--   local t = tab.new { "METHOD", "CALLS>", "P99>" }     -- ">" aligns to the right
--   t:row("pkg.Svc/Get", 12, "1.2ms")
--   t:print()
local fmt = require "spf.fmt"
local color = require "spf.color"

local tab = {}
tab.__index = tab

---@class spf.TableOptions
---@field width? integer columns of the screen; wider tables lose text of the first column

--- columns: headings; or tables {name=, align="right", max=, color=function(value) -> "red"}.
---@param columns (string|table)[]
---@param options? spf.TableOptions
function tab.new(columns, options)
  local t = setmetatable({ columns = {}, rows = {}, options = options or {} }, tab)
  for i, c in ipairs(columns) do
    if type(c) == "string" then c = { name = c } end
    local right = c.align == "right" or c.name:sub(-1) == ">"
    t.columns[i] = { name = c.name:gsub(">$", ""), right = right, max = c.max, color = c.color }
  end
  return t
end

--- Adds a row; nil shows as "-".
function tab:row(...)
  local row = { raw = {} }
  for i = 1, #self.columns do
    local x = select(i, ...)
    row.raw[i] = x
    row[i] = x == nil and "-" or tostring(x)
  end
  self.rows[#self.rows + 1] = row
  return self
end

local function widths(t)
  local w, total = {}, 0
  for i, c in ipairs(t.columns) do
    w[i] = fmt.width(c.name)
    for _, row in ipairs(t.rows) do w[i] = math.max(w[i], fmt.width(row[i])) end
    if c.max then w[i] = math.min(w[i], c.max) end
    total = total + w[i] + (i > 1 and 2 or 0)
  end
  return w, total
end

local NARROW = 8 -- columns of text are not made narrower than this

-- Fits the widths to the screen: the widest text gives way first, then columns at the right go.
local function fit(t, w, total)
  local limit = t.options.width or math.huge
  while total > limit do
    local widest
    for i, c in ipairs(t.columns) do
      if not c.right and w[i] > NARROW and (not widest or w[i] > w[widest]) then widest = i end
    end
    if not widest then break end
    w[widest] = w[widest] - 1
    total = total - 1
  end
  while total > limit and #w > 1 do total = total - table.remove(w) - 2 end
  return w
end

local function line(t, w, row, heading)
  local out = {}
  for i = 1, #w do
    local c = t.columns[i]
    local s = fmt.ellipsis(row[i], w[i])
    local last = i == #t.columns and not c.right
    s = last and s or fmt.pad(s, w[i], c.right)
    if heading then
      s = color.bold(s)
    elseif c.color then
      local name = c.color(row.raw[i])
      s = name and color[name](s) or s
    end
    out[i] = s
  end
  return (table.concat(out, "  "):gsub("%s+$", ""))
end

--- The lines of the table.
---@return string[]
function tab:lines()
  local w, total = widths(self)
  local names = {}
  w = fit(self, w, total)
  for i, c in ipairs(self.columns) do names[i] = c.name end
  local out = { line(self, w, names, true) }
  for _, row in ipairs(self.rows) do out[#out + 1] = line(self, w, row) end
  return out
end

function tab:print()
  color.print(table.concat(self:lines(), "\n"))
end

return tab
