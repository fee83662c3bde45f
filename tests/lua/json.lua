-- SPDX-License-Identifier: BSD-2-Clause
local eq, json = require "eq", require "spf.json"
eq(json.encode { b = 1, a = { 1, 2, "x" }, c = true, d = json.null }, '{"a":[1,2,"x"],"b":1,"c":true,"d":null}')
eq(json.encode {}, "{}")
eq(json.encode { a = json.array {} }, '{"a":[]}')
eq(json.encode(0.1), "0.1")
eq(json.encode(1 / 3), "0.33333333333333331")
eq(json.encode(1e300), "1e+300")
eq(json.encode(0 / 0), "null")
eq(json.encode(-(2 ^ 40)), "-1099511627776")
eq(json.encode('a"\\\n\1\127ü'), '"a\\"\\\\\\n\\u0001\\u007fü"')
eq(json.encode("\255\254"), '{"$base64":"//4="}')
-- overlong, surrogate, cut off, past U+10FFFF
for _, s in ipairs { "\192\128", "\237\160\128", "\226\130", "\244\144\128\128", "\128" } do
  eq(json.is_utf8(s), false, s)
end
eq(json.is_utf8("aü€𝄞"), true)
eq({ json.decode('{"a":[1,-2.5e1,"x\\u00fc\\ud834\\udd1e"],"b":{},"c":false}') },
  { { a = { 1, -25, "xü𝄞" }, b = {}, c = false } })
eq(json.decode("null") == json.null, true)
for _, bad in ipairs { "", "{", "[1,]", '{"a"}', "01", "tru", '"a', "1 2", "{'a':1}", "[" .. ("["):rep(200) } do
  local x, why = json.decode(bad)
  eq(x, nil, bad)
  eq(type(why), "string", bad)
end
local cycle = {}
cycle.a = cycle
eq(pcall(json.encode, cycle), false)
-- any bytes come back
local s = {}
for i = 0, 255 do s[#s + 1] = string.char(i) end
s = table.concat(s)
eq(require("spf.text").unbase64(json.decode(json.encode(s))["$base64"]), s)
