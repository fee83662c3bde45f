-- SPDX-License-Identifier: BSD-2-Clause
-- Reads the bytecode of a compiled script, runs nothing: which globals it reads and writes and
-- where, which fields its callbacks read, which strings it mentions. From that come the load
-- errors (a misspelt callback, global or field) and what need not be decoded.
local sys = ...
local jutil = require "jit.util"
local funcinfo, funcbc, funck = jutil.funcinfo, jutil.funcbc, jutil.funck
local band, rshift, format = bit.band, bit.rshift, string.format

local FIRST = 1 -- pc 0 is the function header

local function op(ins) return band(ins, 0xff) end
local function arg_a(ins) return band(rshift(ins, 8), 0xff) end
local function arg_b(ins) return rshift(ins, 24) end
local function arg_c(ins) return band(rshift(ins, 16), 0xff) end
local function arg_d(ins) return rshift(ins, 16) end

-- Opcodes differ between versions of LuaJIT, so they are read off code that must contain them.
local OP = {}
do
  local function ops(text)
    local f, list = assert(loadstring(text)), {}
    for pc = FIRST, 1000 do
      local ins = funcbc(f, pc)
      if not ins then break end
      list[#list + 1] = op(ins)
    end
    return list
  end
  local list = ops("x = y")
  OP.GGET, OP.GSET = list[1], list[2]
  list = ops("local a, b = ... return a.x, #a, a[b]")
  OP.TGETS, OP.LEN, OP.TGETV = list[2], list[3], list[4]
  OP.TSETS = ops("local a = ... a.x = a")[2]
  OP.FNEW = ops("local a = function() end")[1]
  list = ops("local a = ... local b = a b() return b")
  OP.MOV, OP.CALL, OP.RET1 = list[2], list[4], list[5]
  OP.CALLM = ops("local a = ... a(a())")[5]
  OP.CALLT = ops("local a = ... return a(a)")[4]
  OP.CALLMT = ops("local a = ... return a(a())")[5]
  OP.RET = ops("local a, b = ... return a, b")[4]
  OP.TSETV = ops("local a, b = ... a[b] = b")[2]
  list = assert(loadstring("local a = ... return function(b) a = b end"))
  OP.USET = op(funcbc(funck(list, -1), FIRST))
  -- those that overwrite a local variable (slot 0)
  OP.writes = {}
  local f = assert(loadstring [[local c = ...
    c = c.x c = c[c] c = c or 1 c = c and 1 c = nil c = "s" c = 1 c = 1e9 c = {} c = { 1 } c = c .. "x" c = c + 1
    c = c + c c = -c c = not c c = #c c = g c = function() end c = tostring(c) c = c[1] c = 1 - c
    c = c * 2 c = c / 2 c = c % 2 c = c ^ 2 c = true]])
  for pc = FIRST, 1000 do
    local ins = funcbc(f, pc)
    if not ins then break end
    if arg_a(ins) == 0 then OP.writes[op(ins)] = true end
  end
  -- comparisons and stores have slot 0 as an operand, not as a target; tests have no target at all
  for _, text in ipairs { "local c, d = ... if c == d then g() end", "local c = ... if c then g() end",
    "local c = ... if not c then g() end",
    "local c, d = ... if c < d then g() end", "local c = ... return c", "local c, d = ... d.x = c g = c" } do
    for _, o in ipairs(ops(text)) do
      if o ~= OP.GGET and o ~= OP.TGETS then OP.reads = OP.reads or {} OP.reads[o] = true end
    end
  end
end

local function line_at(f, pc) return funcinfo(f, pc).currentline or 0 end

-- Calls visit(proto, is_main) for a function and all functions inside of it.
local function walk(f, visit, is_main)
  visit(f, is_main)
  for i = -1, -1e9, -1 do
    local k = funck(f, i)
    if k == nil then break end
    if type(k) == "proto" then walk(k, visit, false) end
  end
end

local function strings_of_table(t, out)
  for k, v in pairs(t) do
    if type(k) == "string" then out[k] = true end
    if type(v) == "string" then out[v] = true end
  end
end

local LISTS = { headers = true, trailers = true, trailer_fields = true }

local function is_method(p, pc, slot)
  local ins = funcbc(p, pc)
  if not ins or op(ins) ~= OP.TGETS or arg_b(ins) ~= slot then return false end
  local key = funck(p, -arg_c(ins) - 1)
  return key == "each" or key == "all"
end

-- Lua 5.1 has no __len, so #headers is only right on a plain list. Where a header list is read
-- (into slot, before pc): is # taken of it, or does it go where that could happen unseen?
local function list_use(p, pc, slot)
  for at = pc, 1e9 do
    local ins = funcbc(p, at)
    if not ins then return nil end
    local o, a, d = op(ins), arg_a(ins), arg_d(ins)
    if o == OP.LEN and d == slot then return "len" end
    if (o == OP.TGETS or o == OP.TGETV) and a == slot and arg_b(ins) == slot then return nil end
    if o == OP.MOV and d == slot and not is_method(p, at + 1, slot) then return "escapes" end
    if (o == OP.TSETS or o == OP.TSETV) and a == slot or o == OP.USET and d == slot or o == OP.FNEW then
      return "escapes"
    end
    if (o == OP.RET or o == OP.RET1) and a <= slot and slot < a + d - 1 then return "escapes" end
    if (o == OP.CALL or o == OP.CALLM or o == OP.CALLT or o == OP.CALLMT) and a <= slot then
      return "escapes" -- an argument, or a temporary that ends here
    end
  end
end

-- Everything that later questions need, in one pass over the code.
local function scan(f)
  local s = { gets = {}, sets = {}, strings = {}, stores = {}, callbacks = {}, has_len = false }
  walk(f, function(p, is_main)
    local made
    for i = -1, -1e9, -1 do
      local k = funck(p, i)
      if k == nil then break end
      if type(k) == "string" then s.strings[k] = true end
      if type(k) == "table" then strings_of_table(k, s.strings) end
      if type(k) == "cdata" then s.cdata = line_at(p, FIRST) end
    end
    for pc = FIRST, 1e9 do
      local ins = funcbc(p, pc)
      if not ins then break end
      local o = op(ins)
      if o == OP.GGET then
        s.gets[#s.gets + 1] = { name = funck(p, -arg_d(ins) - 1), line = line_at(p, pc) }
      elseif o == OP.GSET then
        local name = funck(p, -arg_d(ins) - 1)
        s.sets[#s.sets + 1] = { name = name, line = line_at(p, pc), main = is_main }
        if made and arg_a(made) == arg_a(ins) then s.callbacks[name] = funck(p, -arg_d(made) - 1) end
      elseif o == OP.LEN then s.has_len = true
      elseif o == OP.TGETS and LISTS[funck(p, -arg_c(ins) - 1)] then
        local use = list_use(p, pc + 1, arg_a(ins))
        s.list_len = s.list_len or use == "len"
        s.list_escapes = s.list_escapes or use == "escapes"
      elseif o == OP.TSETS then s.stores[funck(p, -arg_c(ins) - 1)] = true
      end
      made = o == OP.FNEW and ins or nil
    end
  end, true)
  return s
end

-- The nearest of the names in the set, or nil.
local function near(name, set)
  local list = {}
  for k in pairs(set) do if type(k) == "string" then list[#list + 1] = k end end
  table.sort(list)
  return sys.near(name, list)
end

local function hint(name, ...)
  local all = {}
  for _, set in ipairs { ... } do for k in pairs(set) do all[k] = true end end
  local n = near(name, all)
  return n and format("; did you mean '%s'?", n) or ""
end

-- Fields that a callback reads of its record: its first parameter, while nothing is assigned to
-- it. Calls found(name, line); returns true if it also reads fields by computed names.
local function fields_read(p, found)
  if funcinfo(p).params == 0 then return false end
  local reads, dynamic = {}, false
  for pc = FIRST, 1e9 do
    local ins = funcbc(p, pc)
    if not ins then break end
    local o = op(ins)
    if OP.writes[o] and not (OP.reads[o]) and arg_a(ins) == 0 then return true end
    if o == OP.TGETS and arg_b(ins) == 0 then
      reads[#reads + 1] = { name = funck(p, -arg_c(ins) - 1), line = line_at(p, pc) }
    elseif o == OP.TGETV and arg_b(ins) == 0 then
      dynamic = true
    end
  end
  for _, r in ipairs(reads) do found(r.name, r.line) end
  return dynamic
end

-- A cdata has no bounds, and the first brings the ffi library with it.
local no_cdata = "integer literals of 64 bits (1LL) are not for scripts"

return {
  no_cdata = no_cdata,
  scan = scan, near = near, hint = hint, fields_read = fields_read, line_at = line_at, walk = walk,
}
