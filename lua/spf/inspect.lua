-- SPDX-License-Identifier: BSD-2-Clause
-- spf.inspect: any value as text, keys sorted. inspect(x) on one line, inspect(x, true) on many.
local text = require "spf.text"

local MAX_DEPTH = 8

local function key_order(a, b)
  if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then return a < b end
  return tostring(type(a)) .. tostring(a) < tostring(type(b)) .. tostring(b)
end

local function show(x, many, depth, seen)
  if type(x) == "string" then return '"' .. text.escape(x):gsub('"', '\\"') .. '"' end
  if type(x) ~= "table" then return tostring(x) end
  if seen[x] then return "{(seen)}" end
  if depth > MAX_DEPTH then return "{…}" end
  seen[x] = true
  local keys, out = {}, {}
  for k in pairs(x) do keys[#keys + 1] = k end
  table.sort(keys, key_order)
  for i, k in ipairs(keys) do
    local v = show(x[k], many, depth + 1, seen)
    if k == i then
      out[i] = v
    elseif type(k) == "string" and k:find("^[%a_][%w_]*$") then
      out[i] = k .. " = " .. v
    else
      out[i] = "[" .. show(k, false, depth + 1, seen) .. "] = " .. v
    end
  end
  seen[x] = nil
  if #out == 0 then return "{}" end
  if not many then return "{ " .. table.concat(out, ", ") .. " }" end
  local pad = string.rep("  ", depth)
  return "{\n" .. pad .. table.concat(out, ",\n" .. pad) .. "\n" .. pad:sub(3) .. "}"
end

--- x as text that a person can read; cycles are cut.
---@param x any
---@param many? boolean one line for each entry
---@return string
return function(x, many) return show(x, many, 1, {}) end
