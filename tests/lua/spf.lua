-- SPDX-License-Identifier: BSD-2-Clause
-- the global spf: sampling and quiet
local eq = require "eq"
local third = spf.every(3)
eq({ third(), third(), third(), third() }, { false, false, true, false })
eq({ spf.once("a"), spf.once("a"), spf.once("b") }, { true, false, true })
local limited = spf.ratelimit(2, "1h")
eq({ limited(), limited(), limited() }, { true, true, false })
eq(pcall(spf.interval, "soon"), false)
eq(pcall(spf.interval, 0), false)
eq(type(spf.now()), "number")
eq(spf.api, 1)
eq(type(spf.stats().memory), "number")
