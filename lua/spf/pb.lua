-- SPDX-License-Identifier: BSD-2-Clause
-- spf.pb: protobuf without its schema. The wire says numbers and types of fields, not whether a
-- run of bytes is text, a message or bytes: decode() says what it can be, dump() shows a guess.
local text = require "spf.text"

local pb = {}

local byte, sub, floor, format = string.byte, string.sub, math.floor, string.format

local MAX_DEPTH, MAX_FIELDS = 32, 10000

-- A varint at i: value (a double: exact up to 2^53), next position, its low and high 32 bits;
-- nil if cut off or longer than 10 bytes.
local function varint(s, i)
  local low, high = 0, 0
  for n = 0, 9 do
    local b = byte(s, i + n)
    if not b then return nil end
    local v = b % 128
    local shift = 7 * n
    if shift < 28 then low = low + v * 2 ^ shift
    elseif shift == 28 then
      low = low + v % 16 * 2 ^ 28
      high = floor(v / 16)
    elseif shift < 63 then high = high + v * 2 ^ (shift - 32)
    else
      if v > 1 then return nil end -- bits past 64
      high = high + v * 2 ^ 31
    end
    if b < 128 then return high * 2 ^ 32 + low, i + n + 1, low, high end
  end
  return nil
end

--- The varint at byte i (default 1): value and the position behind it, or nil.
---@param s string
---@param i? integer
---@return number?, integer?
function pb.varint(s, i)
  local v, at = varint(s, i or 1)
  return v, at
end

--- The signed number that a zigzag varint stands for.
---@param n number
---@return number
function pb.zigzag(n) return n % 2 == 0 and n / 2 or -(n + 1) / 2 end

local function le(s, i, n)
  local v = 0
  for j = n - 1, 0, -1 do v = v * 256 + byte(s, i + j) end
  return v
end

local function ieee(sign, exponent, mantissa, bias, bits)
  local v
  if exponent == 0 then v = mantissa * 2 ^ (1 - bias - bits)
  elseif exponent == 2 * bias + 1 then v = mantissa == 0 and math.huge or 0 / 0
  else v = (1 + mantissa * 2 ^ -bits) * 2 ^ (exponent - bias) end
  return sign == 1 and -v or v
end

--- 4 bytes as a float, little-endian.
---@param s string
---@return number
function pb.float(s)
  local n = le(s, 1, 4)
  return ieee(floor(n / 2 ^ 31), floor(n / 2 ^ 23) % 256, n % 2 ^ 23, 127, 23)
end

--- 8 bytes as a double, little-endian.
---@param s string
---@return number
function pb.double(s)
  local low, high = le(s, 1, 4), le(s, 5, 4)
  return ieee(floor(high / 2 ^ 31), floor(high / 2 ^ 20) % 2048, high % 2 ^ 20 * 2 ^ 32 + low, 1023, 52)
end

local decode

-- What bytes of wire type 2 may be: text if all of it is printable, else a message if it is one.
local function bytes_value(s, depth, budget)
  if s == "" then return "bytes", s end
  if not s:find("[%z\1-\8\11\12\14-\31\127]") and (not s:find("[\128-\255]")
    or require("spf.json").is_utf8(s)) then
    return "string", s
  end
  local m = depth < MAX_DEPTH and decode(s, depth + 1, budget)
  if m then return "message", m end
  return "bytes", s
end

-- One field at i: the field and the position behind it, or nil if there is none.
local function field(s, i, depth, budget)
  local key, at, low = varint(s, i)
  if not key or key >= 2 ^ 32 then return nil end
  local wire = low % 8
  local f = { field = floor(low / 8), wire = wire }
  if f.field == 0 then return nil end
  if wire == 0 then
    local v, stop, lo, hi = varint(s, at)
    if not v then return nil end
    f.type, f.value = "varint", v
    if hi >= 2 ^ 31 then f.value = (hi - 2 ^ 32) * 2 ^ 32 + lo end -- a negative int64
    return f, stop
  elseif wire == 1 or wire == 5 then
    local n = wire == 1 and 8 or 4
    if at + n - 1 > #s then return nil end
    f.type, f.raw = wire == 1 and "fixed64" or "fixed32", sub(s, at, at + n - 1)
    f.value = le(f.raw, 1, n)
    f[wire == 1 and "double" or "float"] = pb[wire == 1 and "double" or "float"](f.raw)
    return f, at + n
  elseif wire == 2 then
    local n, start = varint(s, at)
    if not n or start + n - 1 > #s then return nil end
    f.raw = sub(s, start, start + n - 1)
    f.type, f.value = bytes_value(f.raw, depth, budget)
    return f, start + n
  end
  return nil -- groups (3, 4) and the unassigned 6, 7
end

decode = function(s, depth, budget)
  local list, i = {}, 1
  while i <= #s do
    local f
    budget.left = budget.left - 1
    if budget.left < 0 then return nil end
    f, i = field(s, i, depth, budget)
    if not f then return nil end
    list[#list + 1] = f
  end
  return list
end

--- The fields of a message: a list of {field=, wire=, type=, value=}, type "varint", "fixed32",
--- "fixed64", "string", "bytes" or "message" (value is a list again). nil if s is no message.
---@param s string?
---@return table[]?
function pb.decode(s)
  if not s then return nil end
  return decode(s, 1, { left = MAX_FIELDS })
end

local function scalar(f)
  if f.type == "string" then return '"' .. text.escape(f.value) .. '"' end
  if f.value == "" then return '""' end
  if f.type == "bytes" then return format("bytes(%d) %s", #f.value, text.hex(f.value:sub(1, 32))) end
  if f.type == "varint" then
    return f.value % 1 == 0 and math.abs(f.value) < 2 ^ 53 and format("%d", f.value) or format("%.17g", f.value)
  end
  local x = f.double or f.float
  if x == x and math.abs(x) > 1e-6 and math.abs(x) < 1e12 then return format("%g", x) end
  return format("0x%s", text.hex(f.raw:reverse()))
end

local function dump(list, indent, out)
  for _, f in ipairs(list) do
    if f.type == "message" then
      out[#out + 1] = format("%s%d {", indent, f.field)
      dump(f.value, indent .. "  ", out)
      out[#out + 1] = indent .. "}"
    else
      out[#out + 1] = format("%s%d: %s", indent, f.field, scalar(f))
    end
  end
end

--- The message as lines of "field: value"; a hexdump if it is none.
---@param s string
---@param indent? string
---@return string
function pb.dump(s, indent)
  local list = pb.decode(s)
  indent = indent or ""
  if not list then return text.hexdump(s, indent) end
  local out = {}
  dump(list, indent, out)
  return table.concat(out, "\n")
end

return pb
