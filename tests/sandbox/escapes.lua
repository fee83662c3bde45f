-- SPDX-License-Identifier: BSD-2-Clause
-- Ways out of a Lua sandbox, one after each "--#" line. run.py runs every one as a script of its
-- own, with the compiler on and off. One of the texts after "=>" must come out, and no "ESCAPED".
--
-- Each begins with this prelude: no(f, ...) is true if f fails or gives nothing.
local function no(f, ...) local ok, x = pcall(f, ...) return not ok or x == nil end
local function held(x) print(x and "held" or "ESCAPED") end

--# names_of_dangerous_libraries_are_unknown => unknown
local list = { ffi, io, debug, package, jit, newproxy, getfenv, setfenv, dofile, loadfile, loadstring }

--# ffi_as_a_global => 'ffi'
ffi.cdef "int getpid(void);"

--# io_as_a_global => 'io'
io.open("/etc/passwd")

--# debug_as_a_global => 'debug'
debug.getregistry()

--# package_as_a_global => 'package'
package.loadlib("libluajit-5.1.so.2", "luaopen_io")

--# jit_as_a_global => 'jit'
jit.off()

--# newproxy_as_a_global => 'newproxy'
newproxy(true)

--# getfenv_as_a_global => 'getfenv'
getfenv(0)

--# collectgarbage_as_a_global => 'collectgarbage'
collectgarbage("stop")

--# dofile_as_a_global => 'dofile'
dofile("/etc/passwd")

--# modules_of_the_vm_are_not_found => held
local t = {}
for _, m in ipairs { "ffi", "io", "debug", "package", "jit", "jit.util", "jit.opt", "jit.profile",
  "string.buffer", "table.new", "table.clear", "_G", "coroutine" } do
  if not no(require, m) then t[#t + 1] = m print("ESCAPED " .. m) end
end
held(#t == 0)

--# a_64_bit_literal_does_not_bring_ffi => held
local ok, x = pcall(load, "return 1LL")
held((not ok or not x) and no(load, "return 0x1ULL") and no(require, "ffi") and no(function() return load("return ffi.C")() end))

--# a_64_bit_literal_makes_no_cdata => 1LL
local x = 1LL
print(type(x) == "cdata" and "ESCAPED")

--# an_imaginary_literal_makes_no_cdata => of 64 bits|1i
local x = 1i
print(type(x) == "cdata" and "ESCAPED")

--# require_takes_no_paths => held
held(no(require, "../../etc/passwd") and no(require, "/etc/passwd") and no(require, "..")
  and no(require, "") and no(require, "spf/../../x")
  and no(require, setmetatable({}, { __tostring = function() return "spf.agg" end })))

--# load_knows_no_other_globals => held
held(no(function() return load("return _G")() end) and no(function() return load("return io")() end)
  and no(function() return load("return getfenv(0)")() end))

--# load_takes_no_bytecode => held
local head = "\27LJ\2"
held(no(load, head .. ("\0"):rep(100)) and no(load, head, "x", "b")
  and no(load, function() local h = head head = nil return h end)
  and no(load, "\27Lua"))

--# load_by_pieces_takes_no_bytecode => held
local parts, i = { "\27", "LJ\2", ("\0"):rep(50) }, 0
held(no(load, function() i = i + 1 return parts[i] end, "x", "b"))

--# load_with_an_environment_stays_inside => held
local f = load("x = 1 return io, debug, ffi", "x", "t", {})
local a, b, c = f()
held(a == nil and b == nil and c == nil)

--# strings_have_no_dump => held
held(("").dump == nil and string.dump == nil and no(function() return ("x"):dump() end))

--# the_metatable_of_strings_is_hidden => held
held(not getmetatable("") and no(setmetatable, "", {}))

--# changed_string_functions_are_only_the_scripts_own => held
local real = string.format
string.format = function() error("hijacked") end
string.find, string.match = string.format, string.format
local ok = ("x%d"):format(1) == "x1" and ("abc"):find("b") == 2
string.format = real
held(ok)

--# function_environments_are_out_of_reach => held
held(no(function() return load("getfenv(1)")() end) and no(function() return load("setfenv(1, {})")() end))

--# xpcall_handlers_see_nothing_new => held
local seen
xpcall(function() error("x") end, function(m) seen = m return m end)
held(type(seen) == "string")

--# tostring_that_fails_in_an_error_object => spf: 
error(setmetatable({}, { __tostring = function() error("bad") end }))

--# an_error_object_that_is_no_string => spf: 
error({})

--# an_error_object_that_loops_in_tostring => spf: 
local function f() return setmetatable({}, { __tostring = function() return f() end }) end
error(f())

--# the_table_of_globals_is_out_of_reach => unknown global '_G'
print(_G.io)

--# coroutines_share_the_environment => held
local co = coroutine.create(function() return load("return io")() end)
local ok, x = coroutine.resume(co)
held(not ok or x == nil)

--# print_uses_no_global_tostring => held
local real = tostring
tostring = nil
print("x")
held(real(1) == "1")

--# bad_formats_are_errors => held
held(no(string.format, "%99999d", 1) and no(string.format, "%y", 1) and no(string.format, "%", 1)
  and no(string.format, "%d") and no(string.format, "%s") and no(string.rep))

--# patterns_that_are_too_complex_are_errors => held
held(no(string.find, "x", ("("):rep(100)) and no(string.find, "x", "%") and no(string.find, "x", "[")
  and no(string.find, ("x"):rep(1e6), (".-"):rep(1e5) .. "y") and no(string.gsub, "x", "%f", ""))

--# unpack_of_too_much_is_an_error => held
held(no(unpack, {}, 1, 1e8) and no(unpack, {}, -1e9, 1e9) and no(select, -1e9, 1) and no(string.byte, ("x"):rep(1e7), 1, -1)
  and no(table.concat, {}, "x", 1, 1e9))

--# a_sort_that_lies_does_no_harm => held
local t = {}
for i = 1, 1000 do t[i] = i end
pcall(table.sort, t, function() return true end)
pcall(table.sort, t, function(a, b) t[#t] = nil return a < b end)
held(true)

--# deep_nesting_of_the_parser_is_an_error => held
local n = 1e5
held(no(load, ("("):rep(n)) and no(load, "x = " .. ("{"):rep(n)) and no(load, "return " .. ("- "):rep(n) .. "1 .. ")
  and no(load, ("do "):rep(n)) and no(load, "x = " .. ("a."):rep(n)) and no(load, ("function f() "):rep(n))
  and no(load, "return " .. ("1 .. "):rep(n) .. "}"))

--# dates_out_of_range_do_no_harm => held
pcall(os.date, "%c", 1e300) pcall(os.date, "%c", -1e300) pcall(os.date, "*t", 0 / 0)
pcall(os.time, { year = 1e308, month = 1, day = 1 }) pcall(os.date, ("%c"):rep(1e4)) pcall(os.date, "%Ez%O")
held(true)

--# os_has_clocks_only => held
held(os.execute == nil and os.exit == nil and os.getenv == nil and os.remove == nil and os.rename == nil
  and os.tmpname == nil and os.setlocale == nil)

--# the_raw_next_is_not_handed_out => held
local n = pairs({})
function on_frame(f)
  local k = n(f)
  held(type(k) == "string")
  spf.exit(0)
end

--# next_of_a_record_shows_no_hidden_keys => held
function on_frame(f)
  local ok = true
  for k, v in next, f do ok = ok and type(k) == "string" and type(v) ~= "userdata" end
  table.foreach(f, function(k, v) ok = ok and type(k) == "string" and type(v) ~= "userdata" end)
  held(ok)
  spf.exit(0)
end

--# a_record_has_no_metatable => held
function on_frame(f)
  held(getmetatable(f) == nil and getmetatable(f.headers or {}) == nil)
  spf.exit(0)
end

--# a_record_with_another_metatable_is_plain => held
function on_frame(f)
  local t = f.type
  setmetatable(f, { __index = function(_, k) return k end })
  held(f.type == t and f["nothing" .. ""] == "nothing" and rawget(f, "type") == t)
  spf.exit(0)
end

--# a_record_is_plain_after_raw_access => held
function on_frame(f)
  local t = rawget(f, "type")
  rawset(f, "type", "mine")
  held(t and f.type == "mine")
  spf.exit(0)
end

--# the_state_of_a_header_iterator_is_closed => held
function on_frame(f)
  if not f.headers then return end
  local it, st = f.headers:each()
  held(no(next, st) and no(pairs, st) and no(rawget, st, 1) and no(rawset, st, "i", 1e6)
    and no(setmetatable, st, nil) and no(table.foreach, st, print) and getmetatable(st) == nil
    and no(it, {}) and no(it, f) and no(it, nil))
  spf.exit(0)
end

--# header_lists_can_be_tampered_with => held
function on_frame(f)
  if not f.headers then return end
  local h = f.headers
  h[1e9], h[-1], h[0 / 1], h.n = 1, 2, 3, 4
  pcall(function() h[0 / 0] = 1 end)
  for i = 1, 10 do h[i] = nil end
  for _ in h:each() do end
  for _, e in ipairs(h) do assert(type(e) == "table") end
  held(no(h.each, {}) and no(h.each, f) and no(h.all, {}, "x"))
  spf.exit(0)
end

--# numbers_as_keys_of_records_do_no_harm => held
function on_frame(f)
  for _, k in ipairs { 1e9, -1, 0.5, 1e308, true, print, {}, "" } do
    pcall(function() return f[k] end)
    pcall(function() f[k] = 1 end)
  end
  held(true)
  spf.exit(0)
end

--# emit_takes_nothing_forged => held
function on_frame(f)
  pcall(spf.emit) pcall(spf.emit, 1) pcall(spf.emit, {}) pcall(spf.emit, "x") pcall(spf.emit, print)
  pcall(spf.emit, setmetatable({}, { __index = f })) pcall(spf.emit, f.headers) pcall(spf.emit, f.conn)
  pcall(spf.fields, 1) pcall(spf.fields)
  held(true)
  spf.exit(0)
end

--# api_numbers_out_of_range_do_no_harm => held
pcall(spf.interval, 0 / 0) pcall(spf.interval, -1) pcall(spf.interval, 1e308) pcall(spf.interval, "9e9h")
pcall(spf.every, 0 / 0) pcall(spf.ratelimit, -1, -1) pcall(spf.once, 0 / 0) pcall(spf.once, nil)
pcall(spf.log.warn, setmetatable({}, { __tostring = function() error("x") end }))
function on_frame() held(true) spf.exit(0) end

--# exit_codes_out_of_range_do_no_harm => held
function on_frame()
  print("held")
  pcall(spf.exit, 0 / 0)
  pcall(spf.exit, {})
  spf.exit(1e30)
end

--# library_with_hostile_input => held
local json, pb, text, agg = require "spf.json", require "spf.pb", require "spf.text", require "spf.agg"
pcall(json.decode, ("["):rep(1e5)) pcall(json.decode, '{"a":' .. ("9"):rep(1e5) .. "}") pcall(json.decode, "\"\\ud800")
local loop = {}
loop.loop = loop
pcall(json.encode, loop) pcall(require("spf.inspect"), loop)
pcall(pb.decode, ("\255"):rep(1e4)) pcall(pb.decode, ("\10"):rep(1e4)) pcall(pb.dump, ("\11"):rep(1e4))
pcall(text.hexdump, ("x"):rep(1e5)) pcall(text.glob, ("*a"):rep(30), ("a"):rep(30)) pcall(text.unbase64, "====") pcall(text.unhex, "z")
pcall(agg.topk, 1e9) pcall(agg.lhist, 0, 1, 0) pcall(agg.lhist, 0, 1e9, -1) pcall(agg.quantile, { -1, 2, 0 / 0 })
held(true)

--# a_library_asked_for_later_gives_no_doors => held
local found
local function watch(f) return function(...)
  for i = 1, select("#", ...) do
    local v = select(i, ...)
    if type(v) == "table" and (v.raw or v.find_header or v.load_text) then found = true end
  end
  return f(...)
end end
for _, lib in ipairs { string, table, math, bit, coroutine } do
  for name, f in pairs(lib) do if type(f) == "function" then lib[name] = watch(f) end end
end
for _, m in ipairs { "spf.color", "spf.grpc", "spf.h2", "spf.http", "spf.json", "spf.text" } do
  local ok, t = pcall(require, m)
  if ok and type(t) == "table" then for _, f in pairs(t) do if type(f) == "function" then pcall(f, "1") pcall(f, 1) end end end
end
held(not found)

--# escape_sequences_of_print_reach_no_terminal => held
print("held \27[2J\27]0;title\7 \194\155 \226\128\174 \127 \8")

--# finalizers_of_tables_do_not_run => held
setmetatable({}, { __gc = function() print("ESCAPED") end })
local t = {}
for i = 1, 1e5 do t = { t = i } end
held(true)

--# recursion_through_gsub => held
local function f(s) return (s:gsub(".", f)) end
pcall(f, "x") held(true)

--# recursion_through_sort => held
local function f() table.sort({ 3, 2, 1 }, function() f() return true end) end
pcall(f) held(true)

--# recursion_through_tostring => held|ran longer
local t
t = setmetatable({}, { __tostring = function() return tostring(t) end })
pcall(tostring, t) held(true)

--# recursion_through_index => held
local t = setmetatable({}, {})
getmetatable(t).__index = function(_, k) return t[k] end
pcall(function() return t.x end)
getmetatable(t).__index = t
pcall(function() return t.x end) held(true)

--# recursion_through_concat_and_arithmetic => held
local mt = {}
local t = setmetatable({}, mt)
mt.__concat = function(a) return a .. "x" end
mt.__add = function(a) return a + 1 end
mt.__eq = function(a) return a == setmetatable({}, mt) end
pcall(function() return t .. "x" end) pcall(function() return t + 1 end) pcall(function() return t == setmetatable({}, mt) end)
held(true)

--# recursion_through_pcall => held
local function f() return pcall(f) end
f()
local function g() pcall(g) return 1 end
g() held(true)

--# recursion_through_xpcall_handlers => held
local function f() error("x") end
local function h() xpcall(f, h) end
pcall(h) held(true)

--# recursion_through_load => held|ran longer
local s = "local s = ... return load(s)(s)"
pcall(load(s), s) held(true)

--# nested_coroutines => held|needs more than
local function f(n) if n > 0 then return coroutine.wrap(f)(n - 1) end end
pcall(f, 1e5)
local function g() return coroutine.wrap(g)() end
pcall(g) held(true)

--# nested_coroutines_through_gsub => held|nested its calls too deeply
local function f() return (("x"):gsub(".", coroutine.wrap(f))) end
pcall(f) held(true)

--# many_coroutines => held
local t = {}
pcall(function() for i = 1, 1e4 do t[i] = coroutine.create(function() coroutine.yield() end) coroutine.resume(t[i]) end end)
held(true)

--# a_yield_across_the_callback_is_an_error => held
function on_frame()
  held(no(function() coroutine.yield(1) return 1 end) or true)
  pcall(coroutine.yield)
  spf.exit(0)
end
