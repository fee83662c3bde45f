# SPDX-License-Identifier: BSD-2-Clause
"""Ways out of Lua (escapes.lua), each with the compiler on and off."""
import os
import re
import subprocess

import box
import live


def attacks():
    with open(os.path.join(box.HERE, "escapes.lua")) as f:
        prelude, *rest = re.split(r"^--# ", f.read(), flags=re.M)
    for text in rest:
        head, body = text.split("\n", 1)
        name, want = head.split(" => ")
        yield name, want, prelude + body + ("" if "function on_" in body else "function on_frame() end")


def attack(text, want, mode):
    def test():
        r = box.sound(box.run("-s", box.script(text), "--script-memory", "64M",
                              "--script-timeout", "2s", *mode))
        said = r.out + r.err
        assert any(w in said for w in want.split("|")) and "ESCAPED" not in said, r
    return test


def test_bytecode_as_a_script_is_refused():
    source, code = live.path("b.lua"), live.path("code.lua")
    with open(source, "w") as f:
        f.write("print('ESCAPED')")
    subprocess.run(["luajit", "-b", source, code], check=True)
    r = box.sound(box.run("-s", code))
    assert r.code == 2 and "ESCAPED" not in r.out, r


def test_a_script_cannot_be_found_outside_its_folders():
    for name in ("etc", "../etc/passwd", ".", "", "x\n"):
        r = box.sound(box.run("-s", name))
        assert r.code == 2, (name, r)


def tests():
    for name, want, text in attacks():
        yield name, attack(text, want, [])
        yield name + "_without_jit", attack(text, want, ["--no-jit"])
    for name, f in list(globals().items()):
        if name.startswith("test_"):
            yield name[5:], f
