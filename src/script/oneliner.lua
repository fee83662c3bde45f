-- SPDX-License-Identifier: BSD-2-Clause
-- -f EXPR and -e CODE: the record's fields as plain names, nil-safe helpers, and aggregates that
-- print themselves. Every call of an aggregate in the text is one of its own, as a map of
-- bpftrace is; its title is its own text.
local sys, view, check, env, d = ...

local source, name, KIND = d.source, d.name, d.KIND
local find, sub, format, gsub, match = string.find, string.sub, string.format, string.gsub, string.match
local setmt, rawget, type, error = setmetatable, rawget, type, error
local concat = table.concat

-- A text in tokens: calls word(name, from, to) for every identifier that is no key (a.name,
-- a:name), outside of strings and comments.
local function words(text, word)
  local i, before = 1, ""
  while i <= #text do
    local c = sub(text, i, i)
    local s, e = find(text, "^[%a_][%w_]*", i)
    if s then
      if before ~= "." and before ~= ":" then word(sub(text, s, e), s, e) end
      before, i = "w", e + 1
    elseif find(text, "^%-%-%[=*%[", i) or find(text, "^%[=*%[", i) then
      local level = match(text, "^%-?%-?%[(=*)%[", i)
      local _, stop = find(text, "]" .. level .. "]", i, true)
      before, i = "s", (stop or #text) + 1
    elseif sub(text, i, i + 1) == "--" then
      i = (find(text, "\n", i, true) or #text) + 1
    elseif c == '"' or c == "'" then
      i = i + 1
      while i <= #text and sub(text, i, i) ~= c do
        if sub(text, i, i) == "\\" then i = i + 1 end
        i = i + 1
      end
      before, i = "s", i + 1
    elseif find(text, "^%d", i) then
      local _, stop = find(text, "^[%w.]+", i)
      before, i = "n", stop + 1
    elseif sub(text, i, i + 1) == ".." then
      before, i = "op", i + 2
    else
      if not find(c, "%s") then before = c end
      i = i + 1
    end
  end
end

-- The text between the parentheses that open at or after i, or nil.
local function arguments(text, i)
  local s, e = find(text, "^%s*%b()", i)
  return s and gsub(gsub(sub(text, s, e), "^%s*%(%s*", ""), "%s*%)$", "")
end

-- Cuts "a, f(b, c), d" at its outer commas.
local function split_arguments(text)
  local list, depth, from = {}, 0, 1
  for i = 1, #text do
    local c = sub(text, i, i)
    if find(c, "[%(%[{]") then depth = depth + 1 end
    if find(c, "[%)%]}]") then depth = depth - 1 end
    if c == "," and depth == 0 then
      list[#list + 1] = match(sub(text, from, i - 1), "^%s*(.-)%s*$")
      from = i + 1
    end
  end
  if from <= #text then list[#list + 1] = match(sub(text, from), "^%s*(.-)%s*$") end
  return list
end

-- Helpers ---------------------------------------------------------------------------------------

local h = setmt({}, { __index = env })
local fmt, text_lib = env.require("spf.fmt"), env.require("spf.text")

function h.has(s, what) return type(s) == "string" and find(s, what, 1, true) ~= nil end
function h.starts(s, what) return type(s) == "string" and sub(s, 1, #what) == what end
function h.ends(s, what) return type(s) == "string" and (what == "" or sub(s, -#what) == what) end
function h.match(s, pattern) if type(s) == "string" then return match(s, pattern) end end
function h.glob(s, pattern) return type(s) == "string" and text_lib.glob(s, pattern) end
function h.time(t, f) return t and fmt.time(t, f) end
function h.bytes(n) return n and fmt.bytes(n) end
function h.dur(us) return us and fmt.duration(us, "us") end
function h.printf(f, ...) sys.write(format(f, ...)) end
function h.json(x) return env.require("spf.json").encode(x) end
function h.hex(s) return s and text_lib.hex(s) end

local AGGREGATES = { count = 0, sum = 1, avg = 1, min = 1, max = 1, hist = 1, lhist = 1, quant = 1, top = 0 }
local aggregates = {} -- in the order of the text
for k in pairs(AGGREGATES) do
  h[k] = function() error(k .. "() is counted where it is written: call it by its name", 2) end
end

-- lhist(v, lo, hi, step, key…) and top(n, key…) take constants before the keys.
local CONSTANTS = { lhist = 3, top = 1 }

local function new_aggregate(kind, title, columns)
  local agg = env.require("spf.agg")
  local a = { kind = kind, title = title, columns = columns }
  local take = AGGREGATES[kind]
  local made = kind ~= "lhist" and kind ~= "top" and agg[kind == "quant" and "quantile" or kind]()
  a.object = made
  if kind == "count" then
    a.add = function(...) made:add(...) end
  elseif kind == "top" then
    a.add = function(n, ...)
      a.object = a.object or agg.topk(n)
      a.object:add(...)
    end
  elseif kind == "lhist" then
    a.add = function(v, lo, hi, step, ...)
      a.object = a.object or agg.lhist(lo, hi, step)
      if v ~= nil then a.object:add(v, ...) end
    end
  else
    a.add = function(v, ...) if v ~= nil then made:add(v, ...) end end
  end
  a.skip = take + (CONSTANTS[kind] or 0)
  aggregates[#aggregates + 1] = a
  return a.add
end

-- Renames each aggregate call in code to one of its own.
local function own_aggregates(code)
  local out, last = {}, 1
  words(code, function(word, s, e)
    if not AGGREGATES[word] then return end
    local args = arguments(code, e + 1)
    if not args then return end
    local columns = split_arguments(args)
    for _ = 1, AGGREGATES[word] + (CONSTANTS[word] or 0) do table.remove(columns, 1) end
    local alias = "__" .. word .. (#aggregates + 1)
    h[alias] = new_aggregate(word, word .. "(" .. args .. ")", columns)
    out[#out + 1] = sub(code, last, s - 1) .. alias
    last = e + 1
  end)
  out[#out + 1] = sub(code, last)
  return concat(out)
end

local function print_aggregates()
  for i, a in ipairs(aggregates) do
    if a.object then
      if i > 1 then sys.write("\n") end
      a.object:print { title = a.title, columns = a.columns,
        unit = match(a.title, "_us%f[^%w_]") and "us" or nil }
    end
  end
end

-- Compiling ---------------------------------------------------------------------------------------

local kinds = source.kinds
local fields_of = {} -- kind -> its fields by name
for k = 0, sys.kind_count - 1 do fields_of[k] = view.types[k].fields end

local current -- the record

-- Names of helpers and of --begin's variables; all other names are fields of the record.
local globals = {}
local scope = setmt({}, {
  __index = function(_, k)
    local x = globals[k]
    if x ~= nil then return x end
    if current ~= nil then return current[k] end
  end,
  __newindex = function(_, k, v) globals[k] = v end,
})

local fields = d.all_fields(kinds)
local all = d.all_fields(2 ^ sys.kind_count - 1)

local function kinds_with(field)
  local list = {}
  for k = 0, sys.kind_count - 1 do
    if fields_of[k][field] then list[#list + 1] = KIND[k] end
  end
  return concat(list, " or ")
end

local function check_names(s, may_assign)
  for _, g in ipairs(s.sets) do
    if may_assign then
      if fields[g.name] then error(format("%s: '%s' is a field and cannot be assigned", name, g.name), 0) end
      h[g.name] = h[g.name] or false
    elseif rawget(h, g.name) == nil then
      error(format("%s: '%s' is assigned; to compare use ==, for a variable of one record use local",
        name, g.name), 0)
    end
  end
  for _, g in ipairs(s.gets) do
    if not fields[g.name] and h[g.name] == nil then
      if all[g.name] then
        error(format("%s: '%s' is a field of %s: add -k %s", name, g.name, kinds_with(g.name),
          match(kinds_with(g.name), "^%a+")), 0)
      end
      error(format("%s: unknown field or function '%s'%s", name, g.name,
        check.hint(g.name, fields, h, env)), 0)
    end
  end
end

-- "field < x" where a new operand begins, as "field ~= nil and field < x": an absent field makes
-- this comparison false. What this does not find (x < field) fails, and -f is false as a whole.
local function guard_absent(text)
  local out, last = {}, 1
  words(text, function(word, s, e)
    local before = sub(text, 1, s - 1)
    local begins = find(before, "^%s*$") or find(before, "[(,]%s*$") or find(before, "%f[%w_]and%s+$") or
      find(before, "%f[%w_]or%s+$")
    if all[word] and begins and find(text, "^%s*[<>]", e + 1) then
      out[#out + 1] = sub(text, last, s - 1) .. word .. " ~= nil and "
      last = s
    end
  end)
  return concat(out) .. sub(text, last)
end

-- The x of a filter "addr == 'x' and …": without it no record passes, whatever the rest says.
-- nil where that is not plain to see.
local function fixed(text, field)
  if find(text, "\\", 1, true) or find(text, "--", 1, true) or find(text, "[", 1, true) then return nil end
  local terms, from, depth, last = {}, 1, 0, 1
  local function depth_at(i) -- brackets that are open there, outside of strings
    for c in string.gmatch(gsub(sub(text, last, i), "([\"']).-%1", ""), "[(){}]") do
      depth = depth + ((c == "(" or c == "{") and 1 or -1)
    end
    last = i + 1
    return depth
  end
  local plain = true
  words(text, function(word, s, e)
    if word == "seq" then plain = false end -- what is not decoded has no number
    if (word ~= "and" and word ~= "or") or depth_at(s) > 0 then return end
    plain = plain and word == "and"
    terms[#terms + 1] = sub(text, from, s - 1)
    from = e + 1
  end)
  terms[#terms + 1] = sub(text, from)
  for _, term in ipairs(terms) do
    local quote, x = match(term, "^%s*" .. field .. "%s*==%s*([\"'])(.*)%1%s*$")
    if plain and x and not find(x, quote, 1, true) then return x end
  end
end

local function compile(text, what, may_assign)
  local code = source.what == "filter" and "return (" .. guard_absent(text) .. "\n)" or own_aggregates(text)
  local f, why = sys.load_text(code, "=" .. what)
  if not f then
    local _, plain = sys.load_text("return " .. text, "=" .. what) -- speaks of no bracket that is not there
    why = gsub(source.what == "filter" and plain or why, "^[^:]*:%d+: ", "")
    local assigned = source.what == "filter" and find(gsub(text, "([\"']).-%1", ""), "[^=~<>]=[^=]")
    error(format("%s: %s%s", what, why, assigned and ' (to compare, use "==": type == "HEADERS")' or ""), 0)
  end
  local s = check.scan(f)
  if s.cdata then error(what .. ": " .. check.no_cdata, 0) end
  check_names(s, may_assign)
  for _, g in ipairs(s.gets) do s.strings[g.name] = true end
  d.want(s)
  return setfenv(f, scope)
end

local begin = source.begin and compile(source.begin, "--begin", true)
local code = compile(source.text, name)
local finish = source.finish and compile(source.finish, "--end", true)
for k, v in next, env do globals[k] = v end
for k, v in next, h do globals[k] = v end
for k in next, all do globals[k] = nil end -- a field hides a function of its name

-- In -f an absent field gives false instead of an error, as in Wireshark's filters: what is done
-- with a nil is nil again; a comparison with it fails, and the driver takes that for false.
if source.what == "filter" then
  local function none() return nil end
  debug.setmetatable(nil, { __index = none, __add = none, __sub = none, __mul = none, __div = none,
    __mod = none, __unm = none, __pow = none, __concat = none, __call = none })
end

local line = {}

if source.what == "filter" then
  line.fixed_addr = fixed(source.text, "addr")
  line.callback = function(r)
    current = r
    if code() then return true end
    return false
  end
else
  line.callback = function(r)
    current = r
    code()
  end
end

function line.start()
  current = nil
  if begin then begin() end
end
if #aggregates > 0 and sys.interval_given then
  function line.interval()
    print_aggregates()
    sys.write("\n")
  end
end
function line.finish()
  current = nil
  if finish then finish() end
  print_aggregates()
end
return line
