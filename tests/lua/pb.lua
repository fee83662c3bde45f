-- SPDX-License-Identifier: BSD-2-Clause
local eq, pb, text = require "eq", require "spf.pb", require "spf.text"
local function un(hex) return (assert(text.unhex(hex))) end
-- the examples of the encoding guide: field 1 = 150; field 2 = "testing"; field 3 = message 1
eq(pb.decode(un "08 96 01"), { { field = 1, wire = 0, type = "varint", value = 150 } })
eq(pb.decode(un "12 07 74 65 73 74 69 6e 67"),
  { { field = 2, wire = 2, type = "string", value = "testing", raw = "testing" } })
eq(pb.decode(un "1a 03 08 96 01")[1].value, { { field = 1, wire = 0, type = "varint", value = 150 } })
eq(pb.decode(""), {})
eq({ pb.varint(un "ff ff ff ff 0f") }, { 2 ^ 32 - 1, 6 })
eq({ pb.varint(un "ff ff ff ff ff ff ff 0f") }, { 2 ^ 53 - 1, 9 })
eq(pb.decode(un "08 ff ff ff ff ff ff ff ff ff 01")[1].value, -1)
eq(pb.decode(un "08 fe ff ff ff ff ff ff ff ff 01")[1].value, -2)
eq(pb.decode(un "08 80 80 80 80 f8 ff ff ff ff 01")[1].value, -2147483648)
eq(pb.varint(un "ff ff ff ff ff ff ff ff ff 02"), nil)
eq(pb.varint(un "80"), nil)
eq(pb.zigzag(1), -1)
eq(pb.zigzag(2), 1)
eq(pb.float(un "00 00 80 3f"), 1)
eq(pb.double(un "18 2d 44 54 fb 21 09 40"), 3.141592653589793)
eq(pb.double(un "00 00 00 00 00 00 f0 ff"), -math.huge)
for _, bad in ipairs { "08", "0a 05 61", "07", "00 01", "0d 01 02", "09 01", "0b" } do
  eq(pb.decode(un(bad)), nil, bad)
end
eq(pb.dump(un "08 96 01 12 02 68 69 1a 02 08 01 22 02 ff 00 2d 00 00 80 3f"),
  '1: 150\n2: "hi"\n3 {\n  1: 1\n}\n4: bytes(2) ff00\n5: 1')
eq(pb.dump(un "0b"), "0000  0b                                                 .")
-- nesting and width are bounded
local s = un "08 01"
for _ = 1, 200 do
  local low, high = #s % 128, math.floor(#s / 128)
  s = "\26" .. (high > 0 and string.char(low + 128, high) or string.char(low)) .. s
end
eq(type(pb.decode(s)), "table")
eq(pb.decode(("\8\1"):rep(10001)), nil)
