-- SPDX-License-Identifier: BSD-2-Clause
-- The global spf: arguments, output, time, state that is freed, the terminal.
local sys, view, host = ...

local rawget, getmt, type, error, next, tostring = rawget, getmetatable, type, error, next, tostring
local format, concat, select, tonumber = string.format, table.concat, select, tonumber
local types, KB, KO, is_record = view.types, view.KB, view.KO, view.is_record
local match = string.match

local spf = { version = sys.version, api = 1, args = sys.args }

local UNITS = { ns = 1, us = 1e3, ms = 1e6, s = 1e9, m = 60e9, h = 3600e9, d = 86400e9 }

-- "250ms", "2s", "1m" or a number of seconds, in ns.
local function duration(x, level)
  if type(x) == "number" then return x * 1e9 end
  local n, unit = match(tostring(x), "^([%d.]+)(%a*)$")
  if not tonumber(n) or not UNITS[unit == "" and "s" or unit] then
    error(format("'%s' is not a duration (250ms, 2s, 1m)", tostring(x)), (level or 1) + 2)
  end
  return tonumber(n) * UNITS[unit == "" and "s" or unit]
end

local period = sys.interval
function spf.interval(dur)
  local ns = duration(dur)
  if ns < 1e6 then error("spf.interval: at least 1ms", 2) end
  period = ns
  sys.set_interval(ns)
end

function spf.exit(code)
  host.ctl.exit, host.ctl.code = 1, code or 0
  error(host.exit, 0)
end

function spf.now() return sys.now() end
function spf.stats() return sys.stats() end

-- A plain table of all fields of a record.
function spf.fields(r)
  local out = {}
  for k, v in host.env.pairs(r) do out[k] = v end
  return out
end

-- Prints a record as spf itself would (-T, -F). A record that the script has changed or looked
-- through (pairs) is printed from its fields.
function spf.emit(r)
  local ud = type(r) == "table" and rawget(r, KB)
  if ud and is_record(getmt(r)) then
    sys.emit(ud, rawget(r, KO))
  else
    sys.write(host.env.require("spf.json").encode(r) .. "\n")
  end
end

-- name("?c3-12", "/shop.Orders/Get"): what the symbol of an unknown header field stands for, from
-- the next record on; a path unless the name of the field comes third. Such fields stay marked.
function spf.name(symbol, value, field)
  if type(symbol) ~= "string" or not match(symbol, "^%?c%d") then
    error(format("spf.name: '%s' is no symbol of an unknown field (?c3-12)", tostring(symbol)), 2)
  end
  value, field = tostring(value), field or ":path"
  if #value > 8192 or type(field) ~= "string" or #field > 8192 then error("spf.name: no such field", 2) end
  if not sys.set_hint(symbol, field, value) then error("spf.name: too many symbols", 2) end
end

local function logger(level)
  return function(...)
    local list = {}
    for i = 1, select("#", ...) do list[i] = tostring((select(i, ...))) end
    sys[level](concat(list, " "))
  end
end
spf.log = { debug = logger("debug"), info = logger("info"), warn = logger("warn") }

-- State per connection or stream ---------------------------------------------------------------

local MAX_STREAMS = 10000 -- a stream whose end was not seen must not be kept for ever

-- per_conn(init) gives state(r): init(r) for the first record of a connection, the same value
-- until the connection closes.
function spf.per_conn(init)
  local store = {}
  host.conn_states[#host.conn_states + 1] = store
  return function(r)
    local id = r.conn_id
    local s = store[id]
    if s == nil then
      s = init(r)
      if s == nil then s = {} end
      store[id] = s
    end
    return s
  end
end

-- The two halves of a stream: which directions have ended. Both, or a reset, end it.
local function ends(r, e)
  if r.kind == "call" then return true end
  if r.type == "RST_STREAM" then return true end
  if r.end_stream then e[r.from] = true end
  return e.client and e.server
end

-- The same per stream. What ended is freed with the next record that asks for state.
function spf.per_stream(init)
  local store, ended = {}, nil
  host.conn_states[#host.conn_states + 1] = store
  return function(r)
    if ended then
      local c = store[ended.conn]
      if c and c.by_id[ended.stream] == ended then
        c.by_id[ended.stream] = nil
        c.count = c.count - 1
      end
      ended = nil
    end
    local id, conn = r.stream_id, r.conn_id
    if id == nil then return nil end
    local c = store[conn]
    if not c then
      c = { by_id = {}, count = 0, oldest = id }
      store[conn] = c
    end
    local e = c.by_id[id]
    if not e then
      if c.count >= MAX_STREAMS then -- drop the lowest number: the oldest stream
        local low
        for k in next, c.by_id do if not low or k < low then low = k end end
        c.by_id[low] = nil
        c.count = c.count - 1
      end
      e = { conn = conn, stream = id }
      e.value = init(r)
      if e.value == nil then e.value = {} end
      c.by_id[id] = e
      c.count = c.count + 1
    end
    if ends(r, e) then ended = e end
    return e.value
  end
end

-- Sampling and quiet ------------------------------------------------------------------------------

-- every(n): a function that is true on each n-th call.
function spf.every(n)
  local i = 0
  return function()
    i = i + 1
    if i < n then return false end
    i = 0
    return true
  end
end

local seen, seen_cnt, SEEN_MAX = {}, 0, 100000

-- True the first time that key comes; past SEEN_MAX keys it forgets all and begins anew.
function spf.once(key)
  if seen[key] then return false end
  if seen_cnt >= SEEN_MAX then seen, seen_cnt = {}, 0 end
  seen[key] = true
  seen_cnt = seen_cnt + 1
  return true
end

-- ratelimit(n, dur): a function that is true at most n times a dur.
function spf.ratelimit(n, dur)
  local window, left, start = duration(dur) / 1e9, n, nil
  return function()
    local now = sys.now()
    if not start or now - start >= window then start, left = now, n end
    if left <= 0 then return false end
    left = left - 1
    return true
  end
end

-- The terminal: the only door for escape sequences ------------------------------------------------

local tty = {}
spf.tty = tty

function tty.isatty() return sys.tty_is() end
function tty.rows() return (select(2, sys.tty_size())) end
function tty.cols() return (sys.tty_size()) end
function tty.color() return sys.tty_color() end

-- All of these do nothing when the output is no terminal.
function tty.write(s) if sys.tty_is() then sys.raw(tostring(s)) end end
function tty.home() tty.write("\27[H") end
function tty.clear() tty.write("\27[H\27[J") end

-- Not for scripts: called by the driver.
local function started(info) spf.info = info end

return setmetatable(spf, { __index = { started = started, period = function() return period end } }),
  duration, types
