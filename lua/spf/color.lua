-- SPDX-License-Identifier: BSD-2-Clause
-- spf.color: red(s), bold(s) …; the text unchanged where the output is no terminal or NO_COLOR
-- is set. Print the result with color.print: plain print() escapes the sequences, as it does
-- everything that could move a terminal. Text that came from the network goes in through
-- color.safe first; the color functions do that themselves.
local _, sys = ...

local color = {}

local CODES = {
  bold = 1, dim = 2, underline = 4, reverse = 7, red = 31, green = 32, yellow = 33, blue = 34,
  magenta = 35, cyan = 36, gray = 90,
}

local on = spf.tty.color()

-- Control characters of C0 and C1, DEL and bidi controls made visible.
local function safe(s)
  return (tostring(s):gsub("[%z\1-\8\11-\31\127]", function(c)
    return string.format("\\x%02x", c:byte())
  end):gsub("\194[\128-\159]", function(c)
    return string.format("\\x%02x", c:byte(2))
  end):gsub("\226\128[\142\143\168-\174]", "\\u"):gsub("\226\129[\166-\169]", "\\u"))
end

color.safe = safe

for name, code in pairs(CODES) do
  color[name] = function(s)
    if not on then return tostring(s) end
    return "\27[" .. code .. "m" .. safe(s) .. "\27[0m"
  end
end

-- Only sequences that this module makes may pass to the terminal.
local SEQUENCE = "\27%[%d+m"

-- Escapes all of s but the sequences that this module makes.
local function checked(s)
  local out, from = {}, 1
  while true do
    local a, b = s:find(SEQUENCE, from)
    out[#out + 1] = safe(s:sub(from, (a or 0) - 1))
    if not a then return table.concat(out) end
    out[#out + 1] = s:sub(a, b)
    from = b + 1
  end
end

--- Prints text in which color functions were used, without a line end.
---@param s any
function color.write(s) sys.raw(checked(tostring(s))) end

--- Prints a line in which color functions were used.
---@param s any
function color.print(s)
  if on then
    sys.raw(checked(tostring(s)) .. "\n")
  else
    print(s)
  end
end

return color
