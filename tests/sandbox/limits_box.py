# SPDX-License-Identifier: BSD-2-Clause
"""Scripts that want too much: time, memory, stack. Each ends with its message, none with a
signal, and who stays below the limits is left alone. SPF_BOMBS and SPF_RUNS set how many."""
import functools
import os
import random
import re
import subprocess
import time

import box
import live

LIMIT = 0.3

LOOPS = {
    "while": "while true do end",
    "repeat": "repeat until false",
    "for": "local n = 0 for i = 1, math.huge do n = n + i end",
    "goto": "::again:: goto again",
    "tail_call": "local function f() return f() end f()",
    "pcall": "while true do pcall(error) end",
    "pairs": "local t = { 1, a = 2 } while true do for _ in pairs(t) do end end",
    "coroutine": "local c = coroutine.wrap(function() while true do coroutine.yield() end end) while true do c() end",
    "metamethod": "local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end }) "
                  "while true do pcall(function() return t[1] end) end",
    "gsub": "(('x'):rep(1e6)):gsub('.', function() while true do end end)",
    "garbage": "while true do local t = { {}, {} } end",
    "strings": "local i = 0 while true do i = i + 1 local s = 'x' .. i end",
    "find": "(('a'):rep(3000)):find('.-.-.-.-b')",
    "long_gsub": "(('a'):rep(3e6)):gsub('a-b', '')",
    "sort": "local t = {} for i = 1, 3e6 do t[i] = i * 7919 % 1e6 end while true do table.sort(t) end",
    "json": "local j = require 'spf.json' while true do j.decode('[' .. ('1,'):rep(1e4) .. '1]') end",
}
NO_LINE = {"find", "long_gsub"}

BOMBS = (
    "local t = {} for i = 1, 1e9 do t[i] = { i } end",
    "local s = 'x' while true do s = s .. s end",
    "local s = ('x'):rep(1e9)",
    "local t = {} for i = 1, 1e9 do t[#t + 1] = 'x' .. i end",
    "local t = {} while true do t = { t, function() return t end } end",
    "local t = {} for i = 1, 1e9 do t[i] = coroutine.create(function() end) end",
    "local s = '' while true do s = s .. '%' s = s:gsub('%%', '%%%%%%%%') end",
    "local t = {} for i = 1, 1e9 do t[i] = load('return ' .. i) end",
    "local t = {} for i = 1, 1e9 do t[('x'):rep(i)] = i end",
    "table.concat({}, ('x'):rep(1e6), 1, 0) local t = {} while true do t[#t + 1] = table.concat({ ('y'):rep(1e6), #t }) end",
    "local b = require('spf.json') local t = {} while true do t = { t } t[2] = b.encode({ 1, 2 }) end",
)


@functools.lru_cache
def around():
    """The CPU time of monitor and worker around a callback that ends at once."""
    text = "function on_frame() print(os.clock()) spf.exit() end"
    runs = [box.run("-s", box.script(text)) for _ in range(3)]
    return min(r.cpu - float(r.out.split()[0]) for r in runs)


def ends_in_time(r, printed):
    """The script has printed the worker's CPU time when its callback began. What monitor and
    worker used in all, less that and what is around a callback, is the callback's time and all
    that was done because of the limit."""
    assert r.cpu - float(printed.split()[0]) - around() < LIMIT + 0.2, (r, around())


def ends_at_its_line(body, jit, has_line):
    def test():
        r = box.sound(box.run("-s", box.script(f"function on_frame() print(os.clock());\n{body}\nend"),
                              "--script-timeout", f"{int(LIMIT * 1000)}ms", *jit))
        want = rf"script x.lua: on_frame ran longer than 300 ms{' (at|near) x.lua:2' if has_line else ''}"
        assert r.code == 3 and re.search(want, r.err), r
        ends_in_time(r, r.out)
    return test


def test_100_memory_bombs_end_with_their_message():
    rng = random.Random(7)
    for i in range(int(os.environ.get("SPF_BOMBS", 22))):
        body, cap = BOMBS[i % len(BOMBS)], rng.randint(2, 60)
        jit = ["--no-jit"] if i % 3 == 2 else []
        r = box.sound(box.run("-s", box.script(f"function on_frame()\n{body}\nend"),
                              "--script-memory", f"{cap}M", "--script-timeout", "20s", *jit))
        assert r.code == 3 and f"needs more than {cap} MiB" in r.err, (body, cap, r)


def test_below_the_limit_nothing_ends_on_a_loaded_machine():
    load = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4)]
    try:
        text = "function on_frame() local t = os.clock() while os.clock() - t < 0.2 do end end"
        for _ in range(int(os.environ.get("SPF_RUNS", 4))):
            r = box.run("-c", "2", "-s", box.script(text), "--script-timeout", "300ms")
            assert r.code == 0 and r.err == "", r
    finally:
        for p in load:
            p.kill()
            p.wait()


def test_the_top_level_and_on_end_have_limits_too():
    for text, where in (("while true do end", "the top level"),
                        ("function on_start() while true do end end", "on_start"),
                        ("function on_end() while true do end end", "on_end")):
        r = box.sound(box.run("-s", box.script(text), "--script-timeout", "200ms"))
        assert r.code == 3 and f"x.lua: {where} ran longer than 200 ms" in r.err, r


def test_the_monitor_kills_what_no_longer_minds_its_timer():
    text = """local ffi = require "ffi"
ffi.cdef "void (*signal(int, void (*)(int)))(int);"
function on_frame()
  io.stderr:write(os.clock(), "\\n")
  ffi.C.signal(27, ffi.cast("void (*)(int)", 1))
  while true do end
end"""
    r = box.sound(box.run("--unsafe", "-s", box.script(text), "--script-timeout", "300ms"))
    assert r.code == 3 and "ran longer than 0.3 s; stopped" in r.err, r
    ends_in_time(r, r.err)


def test_a_capture_being_written_survives_a_stopped_script():
    out = live.path("kept.pcapng")
    text = "local n = 0 function on_frame(f) n = n + 1 if n == 5 then while true do end end end"
    r = box.sound(box.run("-w", out, "-s", box.script(text), "--script-timeout", "200ms"))
    assert r.code == 3, r
    again = box.run("-k", "frame", capture=out)
    assert again.code == 0 and len(again.out.splitlines()) >= 4, again


def test_what_was_printed_before_the_end_is_printed():
    text = "local n = 0 function on_frame(f) n = n + 1 print('n', n) while n == 3 do end end"
    r = box.sound(box.run("-s", box.script(text), "--script-timeout", "200ms"))
    assert r.out == "n\t1\nn\t2\nn\t3\n", r


def tests():
    for name, body in LOOPS.items():
        for jit, suffix in (([], ""), (["--no-jit"], "_without_jit")):
            yield f"endless_{name}{suffix}", ends_at_its_line(body, jit, name not in NO_LINE)
    for name, f in list(globals().items()):
        if name.startswith("test_"):
            yield name[5:], f
