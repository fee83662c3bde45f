-- SPDX-License-Identifier: BSD-2-Clause
-- spf.screen: a table that is drawn anew at each interval. Where the output is no terminal,
-- nothing is drawn but the last state, by done(). Nothing is hidden or switched, so nothing has
-- to be restored, and the last numbers stay on the screen.
local tab = require "spf.table"
local color = require "spf.color"
local tty = spf.tty

local screen = {}

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

return screen
