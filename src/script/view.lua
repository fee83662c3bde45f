-- SPDX-License-Identifier: BSD-2-Clause
-- Records as tables that cost nothing until a field of them is read.
--
-- A view is a table with two hidden entries: the batch (a userdata, so that the view keeps it
-- alive) and the record's offset in it. Their keys are function objects, which no script can
-- name. __index reads the C structs; what a lazy table cannot imitate (pairs, next, raw access,
-- a write to a field) first turns the view into a plain table: force().
--
-- Rule for all code here that reads a batch: the table that anchors it is used once more after
-- the last read (keep), because the JIT drops dead slots and the collector would free the batch.
local sys, ffi, conn_of = ...

local cast, fstr = ffi.cast, ffi.string
local rawget, rawset, setmt, getmt = rawget, rawset, setmetatable, getmetatable
local type, tonumber, error, format = type, tonumber, error, string.format
local band, lower, concat = bit.band, string.lower, table.concat
local dsetmt = debug.setmetatable

local bytep, headerp = ffi.typeof("const uint8_t *"), ffi.typeof("const struct header *")
local settingp = ffi.typeof("const struct setting *")
local find_header = ffi.cast(
  "const struct header *(*)(const uint8_t *, const struct header *, uint32_t, const char *, uint32_t)",
  sys.find_header)
local service_len = ffi.cast("uint32_t (*)(const uint8_t *, uint32_t)", sys.service_len)

local function hidden_key() return function() end end
local KB, KO, KN, KI = hidden_key(), hidden_key(), hidden_key(), hidden_key()
local force_of = {} -- metatable -> how to make a plain table of its views

local function keep(x) return x end

-- The bytes of the batch that a view lies in.
local function base_of(t) return cast(bytep, rawget(t, KB)) end

-- Header lists ---------------------------------------------------------------------------

-- Strings of header fields by their id, direct-mapped; the tag guards the slot.
local CACHE = 4095
local cache_id, cache_str = {}, {}
for i = 0, CACHE do cache_id[i], cache_str[i] = 0, "" end

local function cached(base, s, id)
  if id == 0 then return fstr(base + s.off, s.len) end
  local slot = band(id, CACHE)
  if cache_id[slot] == id then return cache_str[slot] end
  local x = fstr(base + s.off, s.len)
  cache_id[slot], cache_str[slot] = id, x
  return x
end

local function entry(base, h)
  local e = {
    name = cached(base, h.name, h.name_id),
    value = cached(base, h.value, h.value_id),
    indexed = h.indexed ~= 0,
    sensitive = h.sensitive ~= 0,
    wire_length = h.wire_len,
  }
  if h.unknown ~= 0 then e.unknown = h.unknown == 4 and "hinted" or true end
  return e
end

local LAZY, PLAIN, STATE = {}, {}, {} -- metatables: header list, the same forced, its iterator

local function force_headers(t)
  local off, n = rawget(t, KO), rawget(t, KN)
  for i = 0, n - 1 do
    local base = base_of(t)
    local e = entry(base, cast(headerp, base + off) + i)
    rawset(t, i + 1, e)
  end
  rawset(t, KB, nil)
  rawset(t, KO, nil)
  rawset(t, KN, nil)
  dsetmt(t, PLAIN)
  return t
end

local function next_header(st)
  if getmt(st) ~= STATE then error("bad iterator state", 2) end
  local i = rawget(st, KI)
  if i == rawget(st, KN) then return nil end
  local base = base_of(st)
  local h = cast(headerp, base + rawget(st, KO)) + i
  local name, value = cached(base, h.name, h.name_id), cached(base, h.value, h.value_id)
  rawset(st, KI, i + 1)
  return name, value
end

local function next_plain(st)
  local i = st[2] + 1
  local e = rawget(st[1], i)
  if type(e) ~= "table" then return nil end
  st[2] = i
  return e.name, e.value
end

local function each(h)
  local mt = getmt(h)
  if mt == LAZY then
    local st = { [KB] = rawget(h, KB), [KO] = rawget(h, KO), [KN] = rawget(h, KN), [KI] = 0 }
    return next_header, setmt(st, STATE)
  end
  if mt ~= PLAIN then error("each() is a method of headers: headers:each()", 2) end
  return next_plain, { h, 0 }
end

local function all(h, name)
  local list, n = {}, 0
  name = lower(name)
  for k, v in each(h) do
    if lower(k) == name then
      n = n + 1
      list[n] = v
    end
  end
  return list
end

LAZY.__metatable, PLAIN.__metatable, STATE.__metatable = LAZY, PLAIN, STATE

LAZY.__index = function(t, k)
  if type(k) ~= "string" then
    if type(k) ~= "number" then return nil end
    return rawget(force_headers(t), k)
  end
  if k == "each" then return each end
  if k == "all" then return all end
  local base = base_of(t)
  local h = find_header(base, cast(headerp, base + rawget(t, KO)), rawget(t, KN), k, #k)
  if h == nil then return nil end
  return keep(cached(base, h.value, h.value_id), t)
end
LAZY.__newindex = function(t, k, v)
  rawset(force_headers(t), k, v)
end

PLAIN.__index = function(t, k)
  if type(k) ~= "string" then return nil end
  if k == "each" then return each end
  if k == "all" then return all end
  k = lower(k)
  for i = 1, 1e9 do
    local e = rawget(t, i)
    if type(e) ~= "table" then return nil end
    if type(e.name) == "string" and lower(e.name) == k then return e.value end
  end
end

force_of[LAZY] = force_headers
force_of[STATE] = function() error("the state of headers:each() is its own", 3) end

local function headers_view(ud, off, count)
  return setmt({ [KB] = ud, [KO] = off, [KN] = count }, LAZY)
end

-- A view whose script takes #headers: lists come as plain arrays at once.
local function headers_plain(ud, off, count)
  return force_headers(headers_view(ud, off, count))
end

-- Fields that are tables; made once per record (cached under a hidden key) -----------------

local names = sys.names -- C function: (table of names, number) -> name
local error_name = setmt({}, { __index = function(t, code)
  local s = names("error", code) or format("0x%x", code)
  if code < 256 then t[code] = s end
  return s
end })
local grpc_name = setmt({}, { __index = function(t, code)
  local s = names("grpc_status", code) or format("%d", code)
  if code < 256 then t[code] = s end
  return s
end })
local frame_type = {}
for i = 0, 255 do frame_type[i] = names("frame_type", i) or format("0x%02x", i) end

local make = {}

function make.settings(_, base, list)
  local t = {}
  local p = cast(settingp, base + list.off)
  for i = 0, list.count - 1 do
    local id, value = p[i].id, p[i].value
    t[names("setting", id) or format("0x%x", id)] = value
  end
  return t
end

function make.process(_, base, p)
  local t = {}
  if p.pid >= 0 then t.pid = p.pid end
  if p.uid >= 0 then t.uid = p.uid end
  if p.cgroup ~= 0 then t.cgroup = tonumber(p.cgroup) end
  if p.comm.off ~= 0 then t.comm = fstr(base + p.comm.off, p.comm.len) end
  if p.exe.off ~= 0 then t.exe = fstr(base + p.exe.off, p.exe.len) end
  return t
end

function make.side(ud, _, headers, trailers)
  local new, t = make.headers, {}
  if headers.off ~= 0 then t.headers = new(ud, headers.off, headers.count) end
  if trailers.off ~= 0 then t.trailers = new(ud, trailers.off, trailers.count) end
  return t
end

make.headers = headers_view

-- Getters, as source --------------------------------------------------------------------------

-- How each type of fields.h is read: $m is the member, t the view, v its struct.
local STRING = [[
  local off = $m.off
  if off == 0 then return keep(nil, t) end
  return keep(fstr(base_of(t) + off, $m.len), t)]]
local BYTES = [[
  local s = rawget(t, $key)
  if s == nil then
    local off = $m.off
    if off == 0 then return keep(nil, t) end
    s = fstr(base_of(t) + off, $m.len)
    rawset(t, $key, s)
  end
  return s]]
local function table_of(test, expr)
  return "local x = rawget(t, $key)\n  if x == nil then\n    " .. test .. "\n    x = " .. expr ..
    "\n    rawset(t, $key, x)\n  end\n  return x"
end
local LIST_TEST = "if $m.off == 0 then return keep(nil, t) end"
local function enumeration(name)
  return "return keep(" .. name .. "[$m], t)"
end

local template = {
  T_U8 = "return keep($m, t)",
  T_U32 = "return keep($m, t)",
  T_U64 = "return keep(tonumber($m), t)",
  T_I32 = "local x = $m if x < 0 then x = nil end return keep(x, t)",
  T_I64 = "local x = tonumber($m) if x < 0 then x = nil end return keep(x, t)",
  T_SEQ = "local x = tonumber($m) if x == 0 then x = nil end return keep(x, t)",
  T_EPOCH = "local x = tonumber($m) if x < 0 then return keep(nil, t) end return keep(x / 1e9, t)",
  T_US = "local x = tonumber($m) if x < 0 then return keep(nil, t) end return keep(x / 1e3, t)",
  T_BOOL = "return keep($m ~= 0, t)",
  T_TRI = "local x = $m if x == 2 then return keep(nil, t) end return keep(x ~= 0, t)",
  T_FLAG_1 = "return keep(band($m, 1) ~= 0, t)",
  T_FLAG_4 = "return keep(band($m, 4) ~= 0, t)",
  T_FLAG_8 = "return keep(band($m, 8) ~= 0, t)",
  T_CUT = "return keep(v.captured < v.length, t)",
  T_STR = STRING, T_BYTES = BYTES, T_BODY = BYTES,
  T_ROLE = enumeration("role"), T_TRANSPORT = enumeration("transport"),
  T_PROTO = enumeration("proto"), T_OUTCOME = enumeration("outcome"),
  T_CONN_OP = enumeration("conn_op"), T_GAP_CAUSE = enumeration("gap_cause"),
  T_FRAME_TYPE = enumeration("frame_type"), T_KIND = enumeration("kind"),
  T_WHAT = enumeration("http_what"),
  T_ERROR = enumeration("error_name"),
  T_CALL_ERROR = "local x = tonumber($m) if x < 0 then return keep(nil, t) end\n" ..
    "  return keep(error_name[x], t)",
  T_GRPC_STATUS = "local x = $m if x < 0 then return keep(nil, t) end return keep(grpc_name[x], t)",
  T_RPC_METHOD = [[
  local off, len = $m.path.off, $m.path.len
  if $m.is_grpc == 0 or off == 0 then return keep(nil, t) end
  local p = base_of(t) + off
  if len > 0 and p[0] == 47 then p, len = p + 1, len - 1 end
  return keep(fstr(p, len), t)]],
  T_RPC_SERVICE = [[
  local off, len = $m.path.off, $m.path.len
  if $m.is_grpc == 0 or off == 0 then return keep(nil, t) end
  local p = base_of(t) + off
  len = service_len(p, len)
  if len < 2 then return keep(nil, t) end
  return keep(fstr(p + 1, len - 1), t)]],
  T_HEADERS = table_of(LIST_TEST, "make.headers(rawget(t, KB), $m.off, $m.count)"),
  T_SETTINGS = table_of(LIST_TEST, "keep(make.settings(t, base_of(t), $m), t)"),
  T_PROCESS = table_of("", "keep(make.process(t, base_of(t), $m), t)"),
  T_REQUEST = table_of("", "make.side(rawget(t, KB), t, v.req_headers, v.req_trailers)"),
  T_RESPONSE = table_of("", "make.side(rawget(t, KB), t, v.resp_headers, v.resp_trailers)"),
  T_CONN = table_of("", "conn_of($m, t)"),
  T_PB = table_of(LIST_TEST, "make.pb(keep(fstr(base_of(t) + $m.off, $m.len), t))"),
}

local values = {
  keep = keep, fstr = fstr, base_of = base_of, rawget = rawget, rawset = rawset,
  tonumber = tonumber, band = band, make = make, KB = KB, KO = KO, cast = cast, bytep = bytep,
  service_len = service_len, conn_of = conn_of, error_name = error_name, grpc_name = grpc_name,
  frame_type = frame_type,
}
for _, enum in ipairs { "kind", "role", "transport", "proto", "outcome", "conn_op", "gap_cause", "http_what" } do
  values[enum] = {}
  for i = 0, 255 do values[enum][i] = names(enum, i) end
end

-- Source and its values: each name of the environment becomes an upvalue, which the JIT takes
-- for a constant.
local function compile(what, body, env)
  local list = {}
  for name in pairs(env) do list[#list + 1] = name end
  local lines = {}
  for i, name in ipairs(list) do lines[i] = format("local %s = env.%s", name, name) end
  local f = assert(loadstring("local env = ...\n" .. concat(lines, "\n") .. "\n" .. body, "=[spf] " .. what))
  return setfenv(f, {})(env)
end

local function frame_condition(f)
  if not f.types then return "" end
  local list = {}
  local rest = true -- all types from 10 on
  for i = 10, 255 do rest = rest and f.types[i] end
  for i = 0, 9 do
    if f.types[i] then list[#list + 1] = "ft ~= " .. i end
  end
  if rest then list[#list + 1] = "ft <= 9" end
  return "local ft = v.type if " .. concat(list, " and ") .. " then return keep(nil, t) end\n  "
end

local function getter(kind_name, f)
  local env = {}
  for k, v in pairs(values) do env[k] = v end
  env.key = hidden_key()
  env.structp = ffi.typeof("const struct rec_" .. kind_name .. " *")
  local member = (f.strukt == "record" and "v.r." or "v.") .. f.member
  local text = assert(template[f.type], f.type):gsub("%$(%a+)", { m = member, key = "key" })
  local body = "return function(t)\n  local v = cast(structp, cast(bytep, rawget(t, KB)) + rawget(t, KO))\n  "
    .. frame_condition(f) .. text .. "\nend"
  -- the JIT holds at most 60 upvalues a function, the language 200 locals: keep what is named
  for k in pairs(env) do
    if not body:find("%f[%w_]" .. k .. "%f[^%w_]") then env[k] = nil end
  end
  return compile(kind_name .. "." .. f.name, body, env), env.key
end

-- The metatable of the views of one kind.
local function view_type(kind, kind_name)
  local fields, order, caches, mt = {}, {}, {}, {}
  for _, f in ipairs(sys.fields) do
    if band(bit.rshift(f.kinds, kind), 1) == 1 and not fields[f.name] then
      fields[f.name] = f
      order[#order + 1] = f.name
    end
  end

  -- Getters are compiled when a field is first read: all of them take 20 ms, and scripts read a few.
  local get = setmt({}, { __index = function(get, name)
    local f = fields[name]
    if not f then return nil end
    local g, key = getter(kind_name, f)
    rawset(get, name, g)
    if key then caches[#caches + 1] = key end
    return g
  end })

  local function force(t)
    for i = 1, #order do
      local name = order[i]
      local x = get[name](t)
      if x ~= nil then rawset(t, name, x) end
    end
    for i = 1, #caches do rawset(t, caches[i], nil) end
    rawset(t, KB, nil)
    rawset(t, KO, nil)
    dsetmt(t, nil)
    return t
  end

  mt.__metatable = mt
  mt.__index = compile(kind_name .. ".__index", [[
    return function(t, k)
      local g = get[k]
      if g then return g(t) end
    end]], { get = get })
  mt.__newindex = function(t, k, v)
    if fields[k] then force(t) end
    rawset(t, k, v)
  end
  force_of[mt] = force
  return { mt = mt, get = get, fields = fields, order = order, force = force }
end

local types = {}
for kind = 0, sys.kind_count - 1 do types[kind] = view_type(kind, names("kind", kind)) end

return {
  types = types,
  KB = KB, KO = KO,
  compile = compile,
  force_of = force_of,
  new = function(ud, off, kind) return setmt({ [KB] = ud, [KO] = off }, types[kind].mt) end,
  is_record = function(mt)
    local f = mt and force_of[mt]
    return f ~= nil and f ~= force_headers and mt ~= STATE
  end,
  eager_headers = function() make.headers = headers_plain end,
  set_pb = function(f) make.pb = f end,
}
