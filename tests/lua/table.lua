-- SPDX-License-Identifier: BSD-2-Clause
local eq, tab = require "eq", require "spf.table"
local t = tab.new { "NAME", "COUNT>" }
t:row("größe", 3)
t:row("b", nil)
eq(t:lines(), { "NAME   COUNT", "größe      3", "b          -" })
local narrow = tab.new({ "NAME", { name = "N>", max = 3 } }, { width = 14 })
narrow:row("a very long name", 12345)
eq(narrow:lines(), { "NAME         N", "a very l…  12…" })
local wide = tab.new({ "LONGEST", "B", "C>", "D>" }, { width = 25 })
wide:row("/run/a/long/name.sock", "short text", 12345, 67890)
eq(wide:lines(), { "LONGEST   B             C", "/run/a/…  short t…  12345" })

