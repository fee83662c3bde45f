-- SPDX-License-Identifier: BSD-2-Clause
local eq, inspect = require "eq", require "spf.inspect"
if inspect({ 1, "a\n", x = true, ["a b"] = { y = {} } }) ~= '{ 1, "a\\n", ["a b"] = { y = {} }, x = true }' then
  error(inspect({ 1, "a\n", x = true, ["a b"] = { y = {} } }))
end
local c = {}
c.c = c
eq(inspect(c), "{ c = {(seen)} }")
eq(inspect({ a = 1 }, true), "{\n  a = 1\n}")
