-- SPDX-License-Identifier: BSD-2-Clause
local eq, text = require "eq", require "spf.text"
eq(text.escape("a\n\27[31m\255\\"), "a\\n\\x1b[31m\\xff\\\\")
eq(text.printable("a\0b\200"), "a.b.")
eq(text.hexdump("0123456789abcdefXY"),
  "0000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66   0123456789abcdef\n" ..
  "0010  58 59                                              XY")
eq(text.hex("\0\255A"), "00ff41")
eq(text.unhex("00 ff 41"), "\0\255A")
eq(text.unhex("0"), nil)
eq(text.unhex("zz"), nil)
for _, case in ipairs { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" } } do
  eq(text.base64(case[1]), case[2])
  eq(text.unbase64(case[2]), case[1])
  eq(text.unbase64((case[2]:gsub("=", ""))), case[1])
end
eq(text.unbase64("-_8"), "\251\255")
eq(text.unbase64("a"), nil)
eq(text.unbase64("a b!"), nil)
local all = {}
for i = 0, 255 do all[#all + 1] = string.char(i) end
all = table.concat(all)
eq(text.unbase64(text.base64(all)), all)
eq(text.unhex(text.hex(all)), all)
eq(text.split("a,b,,c", ","), { "a", "b", "", "c" })
eq(text.split("a.b", "."), { "a", "b" })
eq(text.split("  a  b "), { "a", "b" })
eq(text.trim("  a b\n"), "a b")
eq(text.starts("abc", "ab"), true)
eq(text.ends("abc", "bc"), true)
eq(text.ends("abc", ""), true)
eq(text.glob("/run/app.sock", "/run/*.sock"), true)
eq(text.glob("/run/app_sock", "/run/*.sock"), false)
eq(text.glob("abc", "a?c"), true)
eq(text.glob("abbc", "a?c"), false)
eq(text.glob("a%d+", "a%d+"), true)
