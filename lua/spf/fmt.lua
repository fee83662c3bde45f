-- SPDX-License-Identifier: BSD-2-Clause
-- spf.fmt: numbers and times as people read them. Every function takes nil and gives "-".
local fmt = {}

local floor, format, rep = math.floor, string.format, string.rep

local function scaled(n, units, step, unit)
  local i = 1
  while i < #units and math.abs(n) >= step - (i == 1 and 0 or 0.0005 * step) do
    n = n / step
    i = i + 1
  end
  if i == 1 and n == floor(n) then return format("%d%s", n, units[i]) end
  local digits = math.abs(n) < 9.995 and 2 or math.abs(n) < 99.95 and 1 or 0
  return format("%." .. digits .. "f%s", n, units[i]) .. (unit or "")
end

--- Bytes with a binary unit: 999B, 1.50K, 12.0M.
---@param n number?
---@return string
function fmt.bytes(n)
  if not n then return "-" end
  return scaled(n, { "B", "K", "M", "G", "T", "P" }, 1024)
end

--- A count with a decimal unit: 999, 1.50k, 12.0M.
---@param n number?
---@return string
function fmt.count(n)
  if not n then return "-" end
  return scaled(n, { "", "k", "M", "G", "T", "P" }, 1000)
end

local TO_NS = { ns = 1, us = 1e3, ms = 1e6, s = 1e9 }

--- A duration in its best unit: 870ns, 1.20ms, 12.3s, 4m05s, 2h10m.
---@param n number?
---@param unit? "ns"|"us"|"ms"|"s" unit of n (default us)
---@return string
function fmt.duration(n, unit)
  if not n then return "-" end
  local ns = n * (TO_NS[unit or "us"] or error("unit is ns, us, ms or s", 2))
  local s = ns / 1e9
  if s < 59.95 then return scaled(ns, { "ns", "us", "ms", "s" }, 1000) end
  s = floor(s + 0.5)
  if s < 3600 then return format("%dm%02ds", floor(s / 60), s % 60) end
  if s < 86400 then return format("%dh%02dm", floor(s / 3600), floor(s % 3600 / 60)) end
  return format("%dd%02dh", floor(s / 86400), floor(s % 86400 / 3600))
end

--- part of whole: "12.5%"; "-" if whole is 0.
---@param part number?
---@param whole? number (default 1)
---@return string
function fmt.percent(part, whole)
  whole = whole or 1
  if not part or whole == 0 then return "-" end
  return format("%.1f%%", part / whole * 100)
end

--- Local time of day with microseconds, or by an os.date format.
---@param ts number? epoch seconds
---@param how? string
---@return string
function fmt.time(ts, how)
  if not ts then return "-" end
  if how then return os.date(how, ts) end
  local us = floor((ts - floor(ts)) * 1e6 + 0.5)
  local s = floor(ts)
  if us >= 1000000 then s, us = s + 1, 0 end
  return os.date("%H:%M:%S", s) .. format(".%06d", us)
end

--- ISO 8601 in UTC with milliseconds: 2026-11-21T04:05:06.789Z.
---@param ts number? epoch seconds
---@return string
function fmt.iso(ts)
  if not ts then return "-" end
  local ms = floor((ts - floor(ts)) * 1000 + 0.5)
  local s = floor(ts)
  if ms >= 1000 then s, ms = s + 1, 0 end
  return os.date("!%Y-%m-%dT%H:%M:%S", s) .. format(".%03dZ", ms)
end

-- Characters, not bytes: continuation bytes of UTF-8 have no width.
local function width(s)
  local _, n = s:gsub("[^\128-\191]", "")
  return n
end
fmt.width = width

--- s filled up with blanks to n columns; right-aligned if right.
---@param s any
---@param n integer
---@param right? boolean
---@return string
function fmt.pad(s, n, right)
  s = tostring(s)
  local blanks = rep(" ", n - width(s))
  return right and blanks .. s or s .. blanks
end

--- s cut to n columns, the last of them "…".
---@param s any
---@param n integer
---@return string
function fmt.ellipsis(s, n)
  s = tostring(s)
  if width(s) <= n then return s end
  local out, cols = {}, 0
  for c in s:gmatch("[^\128-\191][\128-\191]*") do
    if cols == n - 1 then break end
    cols = cols + 1
    out[cols] = c
  end
  return table.concat(out) .. "…"
end

return fmt
