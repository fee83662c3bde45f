-- SPDX-License-Identifier: BSD-2-Clause
-- The trusted half of a script's Lua state: loads one script, finds out what it needs, hands it
-- batches. script.c calls what this chunk returns; sys holds the C functions and the source.
local sys = ...

require "jit.opt".start("maxtrace=8000", "maxrecord=16000", "maxmcode=16384", "maxside=1000")
if not sys.jit then jit.off() end
local ffi = require "ffi"
ffi.cdef(sys.cdef)
ffi.cdef "struct script_ctl { int32_t at, exit, code, records; uint64_t errors; };"

local format, concat, tostring, type = string.format, table.concat, tostring, type
local setmt, next = setmetatable, next
local xpcall, pcall, error = xpcall, pcall, error
local traceback, setfenv = debug.traceback, setfenv
local cast = ffi.cast

local KIND = {}
for i = 0, sys.kind_count - 1 do
  KIND[i] = sys.names("kind", i)
  KIND[KIND[i]] = i
end
local CALLBACKS = { on_start = true, on_interval = true, on_key = true, on_end = true }
for i = 0, sys.kind_count - 1 do CALLBACKS["on_" .. KIND[i]] = true end

local source = sys.source
local ctl = cast("struct script_ctl *", sys.ctl)
local EXIT = setmt({}, { __tostring = function() return "spf.exit()" end })

-- Connections ----------------------------------------------------------------------------------

local conns, conn_states = {}, {} -- conn_id -> shared table; per_conn stores
local new_view

local function conn_of(id, t)
  local c = conns[id]
  if not c then
    c = { conn_id = id, kind = "conn", addr = t.addr, transport = t.transport, proto = t.proto }
    conns[id] = c
  end
  return c
end

local view = sys.trusted("view", sys, ffi, conn_of)
local check = sys.trusted("check", sys)
local env = sys.trusted("environ", sys, view, check)
new_view = view.new

local function conn_update(ud, o)
  local v = new_view(ud, o, KIND.conn)
  local t = conns[v.conn_id] or {}
  local get = view.types[KIND.conn].get
  for _, name in ipairs(view.types[KIND.conn].order) do
    if name ~= "conn" then t[name] = get[name](v) end
  end
  conns[v.conn_id] = t
  return t
end

local function conn_drop(id)
  conns[id] = nil
  for _, store in next, conn_states do store[id] = nil end
end

-- The library and spf.* -------------------------------------------------------------------------

local spf = sys.trusted("api", sys, view, {
  ctl = ctl, exit = EXIT, conn_states = conn_states, env = env,
})
env.spf = spf

local loaded = { spf = spf }
local started, want -- once records come it is too late to want more of them
env.require = function(name)
  if type(name) ~= "string" then error("require takes a name", 2) end
  local m = loaded[name]
  if m ~= nil then return m end
  local text, chunk, trusted = sys.module(name)
  if not text then
    if sys.unsafe then return require(name) end
    error(format("module '%s' not found: neither in spf's library nor beside the script%s", name,
      check.hint(name, sys.module_names())), 2)
  end
  local f, why = sys.load_text(text, chunk)
  if not f then error(why, 2) end
  if not trusted then
    if started then error("require '" .. name .. "' at the top level: what it reads is decoded from then on", 2) end
    local s = check.scan(f)
    if s.cdata then error(chunk .. ": " .. check.no_cdata, 2) end
    want(s)
  end
  loaded[name] = true
  m = setfenv(f, env)(name, trusted and sys or nil)
  if m ~= nil then loaded[name] = m end
  return loaded[name]
end
view.set_pb(function(data) return env.require("spf.pb").decode(data) end)

if sys.unsafe then
  env.io, env.os, env.ffi, env.debug = io, os, ffi, debug
end

-- Loading -----------------------------------------------------------------------------------------

local name = source.name
local env_mt = {} -- set on env once the top level has run
local wanted = { data = false, headers = false }

local function refuse(line, fmt, ...)
  error(format("%s:%d: %s", name, line, format(fmt, ...)), 0)
end

-- Field names by kind, for checks; nil: any kind.
local function is_field(field, kind)
  if kind then return view.types[kind].fields[field] ~= nil end
  for k = 0, sys.kind_count - 1 do
    if view.types[k].fields[field] then return true end
  end
  return false
end

local function all_fields(kinds)
  local set = {}
  for k = 0, sys.kind_count - 1 do
    if bit.band(bit.rshift(kinds, k), 1) == 1 then
      for f in next, view.types[k].fields do set[f] = true end
    end
  end
  return set
end

local DATA = { "data", "raw", "pb", "body", "opaque_data", "debug_data" }
local HEADERS = { "headers", "request", "response", "trailer_fields" }
-- Names through which a script may read every field without naming it.
local GENERIC = { pairs = true, next = true, rawget = true }
local GENERIC_STRINGS = { fields = true, emit = true, inspect = true, encode = true,
  ["spf.inspect"] = true, ["spf.json"] = true, ["spf.csv"] = true }

function want(s, everything)
  for _, g in ipairs(s.gets) do everything = everything or GENERIC[g.name] end
  for k in next, s.strings do everything = everything or GENERIC_STRINGS[k] end
  for _, k in ipairs(DATA) do wanted.data = wanted.data or everything or s.strings[k] or false end
  for _, k in ipairs(HEADERS) do wanted.headers = wanted.headers or everything or s.strings[k] or false end
  if s.list_len or s.has_len and (s.list_escapes or everything) then view.eager_headers() end
  wanted.conns = wanted.conns or everything or s.strings.conn or s.strings.per_conn or
    s.strings.per_stream or false
end

-- Everything that can be known to be wrong before a line of the script has run.
local function check_script(s)
  if s.cdata then refuse(s.cdata, check.no_cdata) end
  local known, set_by_main = setmt({}, { __index = env }), {}
  for _, g in ipairs(s.sets) do
    if g.name:match("^on_") and not CALLBACKS[g.name] then
      refuse(g.line, "unknown callback '%s'%s", g.name, check.hint(g.name, CALLBACKS))
    end
    if g.main then set_by_main[g.name] = true end
  end
  for _, g in ipairs(s.sets) do
    if not g.main and not set_by_main[g.name] then
      refuse(g.line, "global '%s' is assigned inside a function; use local%s", g.name,
        check.hint(g.name, set_by_main))
    end
  end
  for _, g in ipairs(s.gets) do
    if known[g.name] == nil and not set_by_main[g.name] then
      if g.name:match("^on_") and not CALLBACKS[g.name] then
        refuse(g.line, "unknown callback '%s'%s", g.name, check.hint(g.name, CALLBACKS))
      end
      refuse(g.line, "unknown global '%s'%s", g.name, check.hint(g.name, env, set_by_main))
    end
  end
  local dynamic = false
  for callback, proto in next, s.callbacks do
    local kind = KIND[callback:match("^on_(.*)") or ""]
    if kind then
      local computed = check.fields_read(proto, function(field, line)
        if field and not is_field(field, kind) and not s.stores[field] then
          refuse(line, "unknown field '%s' of a %s%s", field, KIND[kind],
            check.hint(field, view.types[kind].fields))
        end
      end)
      dynamic = dynamic or computed
    end
  end
  want(s, dynamic)
end

local function protect_env(allow)
  env_mt.__index = function(_, k)
    error(format("unknown global '%s'%s", tostring(k),
      type(k) == "string" and check.hint(k, env) or ""), 2)
  end
  env_mt.__newindex = function(_, k)
    if allow then return end
    error(format("global '%s' is assigned inside a callback; use local", tostring(k)), 2)
  end
  setmt(env, env_mt)
end

local callbacks = {}   -- kind -> function
local hooks_kinds = 0  -- bits of kinds that the script is given
local filter_kinds = 0 -- bits of kinds that -f looks at without asking for them
local fixed_addr       -- -f: the only address whose records it lets pass
local on = {}          -- on_start, on_interval, on_key, on_end

if source.what == "file" then
  if string.byte(source.text) == 27 then error(name .. ": compiled Lua is refused; give the text", 0) end
  local f, why = sys.load_text(source.text, "@" .. name)
  if not f then error(why, 0) end
  check_script(check.scan(f))
  if sys.check_only then return {} end
  env_mt.__index = function(_, k)
    error(format("unknown global '%s'%s", tostring(k), type(k) == "string" and check.hint(k, env) or ""), 2)
  end
  setmt(env, env_mt)
  setfenv(f, env)
  local ok, e = xpcall(f, function(e) return type(e) == "string" and e or e == EXIT and e or tostring(e) end)
  if not ok and e ~= EXIT then error(e, 0) end
  setmt(env, nil)
  for k, v in next, env do
    if type(k) == "string" and k:match("^on_") then
      if not CALLBACKS[k] then refuse(0, "unknown callback '%s'%s", k, check.hint(k, CALLBACKS)) end
      if type(v) ~= "function" then refuse(0, "%s is not a function", k) end
      local kind = KIND[k:sub(4)]
      if kind then
        callbacks[kind] = v
        hooks_kinds = bit.bor(hooks_kinds, bit.lshift(1, kind))
      else
        on[k] = v
      end
    end
  end
  protect_env()
else
  local line = sys.trusted("oneliner", sys, view, check, env, {
    refuse = refuse, want = want, all_fields = all_fields, is_field = is_field, KIND = KIND,
    name = name, source = source,
  })
  for kind = 0, sys.kind_count - 1 do
    if bit.band(bit.rshift(source.kinds, kind), 1) == 1 then callbacks[kind] = line.callback end
  end
  if source.what == "filter" then filter_kinds = source.kinds else hooks_kinds = source.kinds end
  on.on_start, on.on_interval, on.on_end = line.start, line.interval, line.finish
  fixed_addr = line.fixed_addr
end

-- Errors of callbacks: the first with its traceback, then at 2, 4, 8 …; counted for the end -------

local failures, failure_order = {}, {}

local function trim(trace)
  local out = {}
  for l in (trace .. "\n"):gmatch("(.-)\n") do
    if not l:find("[spf]", 1, true) and not l:find("%[C%]: in function 'xpcall'") and
      not l:find("stack traceback:", 1, true) and not l:find("%[C%]: ") and l ~= "" then
      out[#out + 1] = "    " .. l:gsub("^%s+", ""):gsub("in function 'cb%d'", "in the callback")
    end
  end
  -- one line says no more than the message does
  return #out > 1 and "\n" .. concat(out, "\n") or ""
end

local function on_error(e)
  if e == EXIT then return e end
  local ok, text = pcall(tostring, e)
  if not ok or type(text) ~= "string" then text = "(error object)" end
  return { text = text, trace = trim(traceback("", 2)) }
end

-- One line that says which record it was.
local function summary(ud, o, kind)
  local r = new_view(ud, o, kind)
  local list = { format("%s %d, conn %d", KIND[kind], r.seq, r.conn_id) }
  for _, f in ipairs { "type", "stream_id", "method", "path", "op", "cause" } do
    local x = r[f]
    if x ~= nil then list[#list + 1] = f .. "=" .. tostring(x) end
  end
  return concat(list, " ")
end

local function commas(n)
  local s = format("%d", n):reverse():gsub("(%d%d%d)", "%1,"):reverse()
  return (s:gsub("^,", ""))
end

local function failed(callback, e, where)
  ctl.errors = ctl.errors + 1
  local f = failures[callback]
  if not f then
    f = { count = 0, first = e.text }
    failures[callback] = f
    failure_order[#failure_order + 1] = callback
  end
  f.count = f.count + 1
  if f.count == 1 then
    sys.warn(format("%s: %s: %s%s%s", name, callback, e.text, where and " (" .. where .. ")" or "",
      e.trace))
  elseif bit.band(f.count, f.count - 1) == 0 then
    sys.warn(format("%s: %s failed %s times (last: %s)", name, callback, commas(f.count), e.text))
  end
  if sys.strict then
    ctl.exit, ctl.code = 1, 1
  end
end

local function guarded(callback, f, ...)
  local ok, e = xpcall(f, on_error, ...)
  if not ok and e ~= EXIT then failed(callback, e) end
  return ok, e
end

-- The loop over a batch, made for the kinds that are hooked ---------------------------------------

local batchp, recordp = ffi.typeof("struct batch *"), ffi.typeof("struct record *")
local tracked = wanted.conns or callbacks[KIND.conn]

local function make_loop()
  local list, values = {}, {
    setmt = setmt, cast = cast, batchp = batchp, recordp = recordp,
    bytep = ffi.typeof("uint8_t *"), KB = view.KB, KO = view.KO, ctl = ctl,
    conn_update = conn_update, conn_drop = conn_drop,
    conn_close = function(ud, o) return new_view(ud, o, KIND.conn).op == "close" end,
  }
  for kind = 0, sys.kind_count - 1 do
    local cb = callbacks[kind]
    local is_conn = kind == KIND.conn and tracked
    if cb or is_conn then
      values["M" .. kind], values["cb" .. kind] = view.types[kind].mt, cb
      list[#list + 1] = format("%s k == %d then\n", #list == 0 and "if" or "elseif", kind)
      if is_conn then list[#list + 1] = "      conn_update(ud, o)\n" end
      if cb then
        list[#list + 1] = format("      ctl.at = i\n      if cb%d(setmt({ [KB] = ud, [KO] = o }, M%d)) == false then "
          .. "r.hidden = 1 end\n", kind, kind)
      end
      if is_conn then list[#list + 1] = "      if conn_close(ud, o) then conn_drop(r.conn_id) end\n" end
      list[#list + 1] = "    "
    end
  end
  if #list == 0 then return function() end end
  return view.compile("loop", [[
return function(ud, i, n)
  local b = cast(batchp, ud)
  local base = cast(bytep, ud)
  for i = i, n do
    local o = b.rec[i]
    local r = cast(recordp, base + o)
    if r.hidden == 0 then
    local k = r.kind
    ]] .. concat(list) .. [[end
    end
  end
end]], values)
end

local loop = make_loop()
started = true

local tidy = sys.trusted("compact", view, sys.memory_max)
local roots = { env, callbacks, on, conns, conn_states }

local function run(ud)
  tidy(roots)
  local b = cast(batchp, ud)
  local n, i = b.count - 1, 0
  while i <= n do
    local ok, e = xpcall(loop, on_error, ud, i, n)
    if ok or e == EXIT then return end
    i = ctl.at
    local o = b.rec[i]
    local r = cast(recordp, cast("uint8_t *", ud) + o)
    if source.what == "filter" then r.hidden = 1 end
    if source.what ~= "filter" or not string.find(e.text, "nil", 1, true) then
      failed(source.what == "file" and "on_" .. KIND[r.kind] or "record", e, summary(ud, o, r.kind))
    end
    if ctl.exit ~= 0 then return end
    if r.kind == KIND.conn and tracked and new_view(ud, o, KIND.conn).op == "close" then conn_drop(r.conn_id) end
    i = i + 1
  end
end

local api = { run = run }

function api.start(info)
  spf.started(info)
  if not on.on_start then return end
  local ok, e = xpcall(on.on_start, on_error, info)
  if not ok and e ~= EXIT then error(e.text, 0) end
end

function api.interval(now, n)
  if on.on_interval then guarded("on_interval", on.on_interval, now, n) end
end

function api.key(k) guarded("on_key", on.on_key, k) end

function api.finish(sum)
  sum.errors = tonumber(ctl.errors)
  if on.on_end then guarded("on_end", on.on_end, sum) end
  for _, callback in ipairs(failure_order) do
    local f = failures[callback]
    sys.warn(format("%s: %s failed %s time%s (first: %s)", name, callback, commas(f.count),
      f.count == 1 and "" or "s", f.first))
  end
end

api.hooks, api.filters = hooks_kinds, filter_kinds
api.tracks_conns = tracked and true or false
api.addr = fixed_addr
api.data, api.headers = wanted.data and true or false, wanted.headers and true or false
api.ticks = on.on_interval and true or false
api.keys = on.on_key and true or false
api.period = function() return spf.period() end
return api
