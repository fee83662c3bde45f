-- SPDX-License-Identifier: BSD-2-Clause
-- spf.text: bytes as text and back, and the small string functions that Lua lacks.
local text = {}

local format, byte, char, floor = string.format, string.byte, string.char, math.floor

local NAMED = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\\"] = "\\\\" }

--- Everything but printable ASCII escaped: \n, \x1b, \xff.
---@param s string
---@return string
function text.escape(s)
  return (s:gsub("[%c\\\127-\255]", function(c)
    return NAMED[c] or format("\\x%02x", byte(c))
  end))
end

--- Non-printable bytes replaced by dots.
---@param s string
---@return string
function text.printable(s) return (s:gsub("[^\32-\126]", ".")) end

--- "48 69" style dump, 16 bytes a line with offset and text.
---@param s string
---@param indent? string put before each line
---@return string
function text.hexdump(s, indent)
  local out = {}
  for at = 1, #s, 16 do
    local part = s:sub(at, at + 15)
    local hex = part:gsub(".", function(c) return format("%02x ", byte(c)) end)
    if #part > 8 then hex = hex:sub(1, 24) .. " " .. hex:sub(25) end
    out[#out + 1] = format("%s%04x  %-49s  %s", indent or "", at - 1, hex, text.printable(part))
  end
  return table.concat(out, "\n")
end

---@param s string
---@return string
function text.hex(s) return (s:gsub(".", function(c) return format("%02x", byte(c)) end)) end

--- Bytes of "48 69" or "4869"; nil if it is no hex.
---@param s string
---@return string?
function text.unhex(s)
  s = s:gsub("%s+", "")
  if #s % 2 == 1 or s:find("[^%x]") then return nil end
  return (s:gsub("..", function(h) return char(tonumber(h, 16)) end))
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
local to64, from64 = {}, {}
for i = 1, 64 do
  to64[i - 1] = ALPHABET:sub(i, i)
  from64[byte(ALPHABET, i)] = i - 1
end
from64[byte "-"], from64[byte "_"] = 62, 63 -- base64url

---@param s string
---@return string
function text.base64(s)
  local out = {}
  for i = 1, #s, 3 do
    local a, b, c = byte(s, i, i + 2)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    out[#out + 1] = to64[floor(n / 262144)] .. to64[floor(n / 4096) % 64] ..
      (b and to64[floor(n / 64) % 64] or "=") .. (c and to64[n % 64] or "=")
  end
  return table.concat(out)
end

--- Bytes of base64 or base64url, with or without padding; nil if it is neither.
---@param s string
---@return string?
function text.unbase64(s)
  s = s:gsub("%s+", ""):gsub("=+$", "")
  if #s % 4 == 1 then return nil end
  local out = {}
  for i = 1, #s, 4 do
    local n, digits = 0, 0
    for j = i, i + 3 do
      local c = byte(s, j)
      local v = c and from64[c]
      if c and not v then return nil end
      n = n * 64 + (v or 0)
      if c then digits = digits + 1 end
    end
    out[#out + 1] = char(floor(n / 65536), floor(n / 256) % 256, n % 256):sub(1, digits - 1)
  end
  return table.concat(out)
end

--- The parts of s between plain separators; a nil separator: words between blanks.
---@param s string
---@param sep? string
---@return string[]
function text.split(s, sep)
  local out = {}
  if not sep then
    for w in s:gmatch("%S+") do out[#out + 1] = w end
    return out
  end
  if sep == "" then error("the separator is empty", 2) end
  local from = 1
  while true do
    local a, b = s:find(sep, from, true)
    out[#out + 1] = s:sub(from, (a or 0) - 1)
    if not a then return out end
    from = b + 1
  end
end

---@param s string
---@return string
function text.trim(s) return s:match("^%s*(.-)%s*$") end

---@param s string
---@param what string
---@return boolean
function text.starts(s, what) return s:sub(1, #what) == what end

---@param s string
---@param what string
---@return boolean
function text.ends(s, what) return what == "" or s:sub(-#what) == what end

local globs, glob_cnt = {}, 0

--- True if s matches a shell pattern: * any text, ? one character.
---@param s string
---@param pattern string
---@return boolean
function text.glob(s, pattern)
  local p = globs[pattern]
  if not p then
    p = "^" .. pattern:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*+", ".-"):gsub("%?", ".") .. "$"
    if glob_cnt > 1000 then globs, glob_cnt = {}, 0 end
    globs[pattern] = p
    glob_cnt = glob_cnt + 1
  end
  return s:find(p) ~= nil
end

return text
