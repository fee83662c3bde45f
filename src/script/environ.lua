-- SPDX-License-Identifier: BSD-2-Clause
-- The environment of one script: names that are allowed, in fresh tables.
--
-- The process around it is the sandbox; this is the second line. Left out on purpose: io, os but
-- for the clock, debug, package, ffi, jit, getfenv and setfenv (they reach the real globals),
-- newproxy (finalizers run anywhere), bytecode (load takes text only), string.dump.
local sys, view, check = ...

local force_of = view.force_of
local getmt, setmt, rawget, rawset, next = getmetatable, setmetatable, rawget, rawset, next
local type, select, tostring, error = type, select, tostring, error
local concat, setfenv, byte = table.concat, setfenv, string.byte

local function plain(t)
  local force = force_of[getmt(t)]
  if force then force(t) end
  return t
end

-- f, with its first argument made a plain table first.
local function on_plain(f)
  return function(t, ...)
    local mt = getmt(t)
    if mt and force_of[mt] then plain(t) end
    return f(t, ...)
  end
end

local function copy(t, without)
  local out = {}
  for k, v in next, t do out[k] = v end
  if without then out[without] = nil end
  return out
end

local env = {
  assert = assert, error = error, pcall = pcall, xpcall = xpcall, select = select,
  tonumber = tonumber, tostring = tostring, type = type, rawequal = rawequal,
  _VERSION = _VERSION,
  math = copy(math), bit = copy(bit), coroutine = copy(coroutine),
  string = copy(string, "dump"),
  os = { time = os.time, date = os.date, clock = os.clock },
}

env.table = copy(table)
for _, name in ipairs { "concat", "insert", "maxn", "remove", "sort", "foreach", "foreachi" } do
  env.table[name] = on_plain(table[name])
end
env.table.unpack = on_plain(unpack)
env.table.move = table.move and on_plain(table.move)
env.unpack = on_plain(unpack)
env.ipairs = on_plain(ipairs)

-- Also what pairs() returns: the raw next would show a view's hidden keys, and with them a
-- script could point the view anywhere. Costs nothing once compiled.
function env.next(t, k)
  local mt = getmt(t)
  if mt and force_of[mt] then plain(t) end
  return next(t, k)
end
local safe_next = env.next

env.rawget = on_plain(rawget)
env.rawset = on_plain(rawset)
env.setmetatable = on_plain(setmt)

function env.pairs(t)
  local mt = getmt(t)
  if mt and force_of[mt] then plain(t) end
  if type(t) ~= "table" then
    error("bad argument #1 to 'pairs' (table expected, got " .. type(t) .. ")", 2)
  end
  return safe_next, t, nil
end

function env.getmetatable(x)
  local mt = getmt(x)
  if mt and force_of[mt] then return nil end
  return mt
end

function env.print(...)
  local n = select("#", ...)
  if n == 1 then
    sys.write(tostring((...)) .. "\n")
    return
  end
  local list = {}
  for i = 1, n do list[i] = tostring((select(i, ...))) end
  sys.write(concat(list, "\t") .. "\n")
end

-- load(text [, name [, mode [, env]]]): text only, in the script's own environment.
function env.load(chunk, name, _, e)
  if type(chunk) == "function" then
    local list = {}
    for i = 1, 1e6 do
      local s = chunk()
      if s == nil or s == "" then break end
      if type(s) ~= "string" then return nil, "reader function must return a string" end
      list[i] = s
    end
    chunk = concat(list)
  end
  if type(chunk) ~= "string" then
    error("bad argument #1 to 'load' (string or function expected)", 2)
  end
  if byte(chunk) == 27 then return nil, "bytecode is refused" end
  local f, why = sys.load_text(chunk, type(name) == "string" and name or "=(load)")
  if not f then return nil, why end
  if check.scan(f).cdata then return nil, check.no_cdata end
  return setfenv(f, type(e) == "table" and e or env)
end

-- ("x"):dump() is no way around either.
local smt = debug.getmetatable("")
smt.__index = copy(string, "dump")
smt.__metatable = false

return env
