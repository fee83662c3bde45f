-- SPDX-License-Identifier: BSD-2-Clause
-- spf.json: values to JSON text and back. Any bytes give valid JSON: a string that is not UTF-8
-- becomes {"$base64": "…"}.
local text = require "spf.text"

local json = {}

--- Stands for JSON's null, which a Lua table cannot hold.
json.null = setmetatable({}, { __tostring = function() return "null" end })

local ARRAY = {}

--- t, which encodes as a JSON array also when it is empty.
---@param t table
---@return table
function json.array(t) return setmetatable(t, ARRAY) end

local format, floor, concat, byte = string.format, math.floor, table.concat, string.byte

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

-- RFC 3629: shortest form, no surrogates, at most U+10FFFF.
local function is_utf8(s)
  if not s:find("[\128-\255]") then return true end
  local i = 1
  while i <= #s do
    local c = byte(s, i)
    local n, low, high = 0, 0x80, 0xbf
    if c >= 0x80 then
      if c >= 0xc2 and c <= 0xdf then n = 1
      elseif c >= 0xe0 and c <= 0xef then
        n = 2
        if c == 0xe0 then low = 0xa0 elseif c == 0xed then high = 0x9f end
      elseif c >= 0xf0 and c <= 0xf4 then
        n = 3
        if c == 0xf0 then low = 0x90 elseif c == 0xf4 then high = 0x8f end
      else
        return false
      end
      for j = 1, n do
        local d = byte(s, i + j)
        if not d or d < low or d > high then return false end
        low, high = 0x80, 0xbf
      end
    end
    i = i + n + 1
  end
  return true
end
json.is_utf8 = is_utf8

local function quote(s)
  return '"' .. s:gsub('[%c"\\\127]', function(c)
    return ESCAPES[c] or format("\\u%04x", byte(c))
  end) .. '"'
end

local function number(n)
  if n ~= n or n == math.huge or n == -math.huge then return "null" end
  if n == floor(n) and n > -1e15 and n < 1e15 then return format("%d", n) end
  return format("%.17g", n):len() > 17 and tonumber(format("%.15g", n)) == n and format("%.15g", n)
    or format("%.17g", n)
end

local MAX_DEPTH = 100

local function is_array(t)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  for i = 1, n do
    if t[i] == nil then return false end
  end
  return n > 0, n
end

local encode

local function encode_table(t, depth)
  if depth > MAX_DEPTH then error("json: nested too deep, or a cycle", 0) end
  local list, n = is_array(t)
  if getmetatable(t) == ARRAY then list = true end
  local out = {}
  if list then
    for i = 1, n do out[i] = encode(t[i], depth + 1) end
    return "[" .. concat(out, ",") .. "]"
  end
  local keys = {}
  for k in pairs(t) do
    if type(k) == "string" or type(k) == "number" then keys[#keys + 1] = k end
  end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, k in ipairs(keys) do
    local name = tostring(k)
    if not is_utf8(name) then name = text.escape(name) end
    out[i] = quote(name) .. ":" .. encode(t[k], depth + 1)
  end
  return "{" .. concat(out, ",") .. "}"
end

encode = function(x, depth)
  local kind = type(x)
  if x == nil or x == json.null then return "null" end
  if kind == "string" then
    if is_utf8(x) then return quote(x) end
    return '{"$base64":' .. quote(text.base64(x)) .. "}"
  end
  if kind == "number" then return number(x) end
  if kind == "boolean" then return tostring(x) end
  if kind == "table" then return encode_table(x, depth) end
  return quote(tostring(x))
end

--- One line of JSON; object keys sorted; an empty table is {}.
---@param x any
---@return string
function json.encode(x) return encode(x, 1) end

local function fail(at, what) error({ json = format("json: %s at byte %d", what, at) }, 0) end

local function utf8_char(n)
  if n < 0x80 then return string.char(n) end
  if n < 0x800 then return string.char(0xc0 + floor(n / 64), 0x80 + n % 64) end
  if n < 0x10000 then
    return string.char(0xe0 + floor(n / 4096), 0x80 + floor(n / 64) % 64, 0x80 + n % 64)
  end
  return string.char(0xf0 + floor(n / 262144), 0x80 + floor(n / 4096) % 64,
    0x80 + floor(n / 64) % 64, 0x80 + n % 64)
end

local PLAIN = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function decode_string(s, i)
  local out = {}
  while true do
    local a = s:find('["\\]', i)
    if not a then fail(i, "unfinished string") end
    out[#out + 1] = s:sub(i, a - 1)
    if s:sub(a, a) == '"' then return concat(out), a + 1 end
    local c = s:sub(a + 1, a + 1)
    if c == "u" then
      local n = tonumber(s:match("^%x%x%x%x", a + 2) or fail(a, "bad \\u"), 16)
      i = a + 6
      if n >= 0xd800 and n < 0xdc00 then
        local low = s:match("^\\u(%x%x%x%x)", i)
        low = low and tonumber(low, 16)
        if low and low >= 0xdc00 and low < 0xe000 then
          n = 0x10000 + (n - 0xd800) * 1024 + low - 0xdc00
          i = i + 6
        else
          n = 0xfffd
        end
      elseif n >= 0xdc00 and n < 0xe000 then
        n = 0xfffd
      end
      out[#out + 1] = utf8_char(n)
    else
      out[#out + 1] = PLAIN[c] or fail(a, "bad escape")
      i = a + 2
    end
  end
end

local decode_value

local function skip(s, i) return s:find("[^ \t\r\n]", i) or #s + 1 end

local function decode_list(s, i, depth)
  local out = {}
  i = skip(s, i)
  if s:sub(i, i) == "]" then return out, i + 1 end
  while true do
    out[#out + 1], i = decode_value(s, i, depth + 1)
    i = skip(s, i)
    local c = s:sub(i, i)
    if c == "]" then return out, i + 1 end
    if c ~= "," then fail(i, "expected , or ]") end
    i = i + 1
  end
end

local function decode_object(s, i, depth)
  local out = {}
  i = skip(s, i)
  if s:sub(i, i) == "}" then return out, i + 1 end
  while true do
    local key
    i = skip(s, i)
    if s:sub(i, i) ~= '"' then fail(i, "expected a name") end
    key, i = decode_string(s, i + 1)
    i = skip(s, i)
    if s:sub(i, i) ~= ":" then fail(i, "expected :") end
    out[key], i = decode_value(s, i + 1, depth + 1)
    i = skip(s, i)
    local c = s:sub(i, i)
    if c == "}" then return out, i + 1 end
    if c ~= "," then fail(i, "expected , or }") end
    i = i + 1
  end
end

decode_value = function(s, i, depth)
  if depth > MAX_DEPTH then fail(i, "nested too deep") end
  i = skip(s, i)
  local c = s:sub(i, i)
  if c == '"' then return decode_string(s, i + 1) end
  if c == "{" then return decode_object(s, i + 1, depth) end
  if c == "[" then return decode_list(s, i + 1, depth) end
  if s:sub(i, i + 3) == "true" then return true, i + 4 end
  if s:sub(i, i + 4) == "false" then return false, i + 5 end
  if s:sub(i, i + 3) == "null" then return json.null, i + 4 end
  local n = s:match("^-?%d+%.?%d*[eE]?[+-]?%d*", i)
  if not n or not tonumber(n) or n:find("^-?0%d") then fail(i, "unexpected text") end
  return tonumber(n), i + #n
end

--- The value of a JSON text; nil and why if it is none.
---@param s string
---@return any, string?
function json.decode(s)
  local ok, x, i = pcall(decode_value, s, 1, 1)
  if not ok then return nil, type(x) == "table" and x.json or tostring(x) end
  if skip(s, i) <= #s then return nil, format("json: text after the value at byte %d", skip(s, i)) end
  return x
end

return json
