#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the examples of manuals. usage: SPF=build/spf manual.py [--bless] FILE.md...

A ```lua block whose first line is "-- NAME.lua" becomes that file (without this line if a header
follows). In a ```console block each
"$ COMMAND" is run beside these files and the captures of tests/golden; what stands below it
must be what it prints. "…" on a line of its own stands for any lines.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def commands(text):
    """(command, its output) of a console block."""
    parts = re.split(r"^\$ (.*)\n", text, flags=re.M)[1:]
    return list(zip(parts[::2], parts[1::2]))


def run(command, folder, env):
    done = subprocess.run(["timeout", "20", "bash", "-c", command], cwd=folder, env=env,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return "".join(line.rstrip() + "\n" for line in done.stdout.splitlines())


def same(want, got):
    pattern = "".join(".*" if line == "…" else re.escape(line) + "\n" for line in want.splitlines())
    return re.fullmatch(pattern, got, re.S) is not None


def check(path, env, bless):
    with open(path) as f:
        text = f.read()
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in os.listdir(HERE):
            if name.endswith(".chunks"):
                shutil.copy(os.path.join(HERE, name), folder)
        os.chmod(folder, 0o755)
        out = text
        for kind, block in BLOCK.findall(text):
            if kind == "lua" and (m := re.match(r"-- (\w+\.lua)\n", block)):
                with open(os.path.join(folder, m[1]), "w") as f:
                    f.write(block.split("\n", 1)[1] if "\n---" in block[:80] else block)
            if kind != "console":
                continue
            for command, want in commands(block):
                got = run(command, folder, env)
                if same(want, got):
                    passed += 1
                elif bless:
                    out = out.replace(f"$ {command}\n{want}", f"$ {command}\n{got}")
                else:
                    failed += 1
                    print(f"FAIL {path}: {command}\ngot:\n{got}want:\n{want}")
    if out != text:
        with open(path, "w") as f:
            f.write(out)
    return passed, failed


def main():
    bless = "--bless" in sys.argv
    spf = os.path.realpath(os.environ.get("SPF", "build/spf"))
    env = dict(os.environ, PATH=os.path.dirname(spf) + ":" + os.environ["PATH"], TZ="UTC", LC_ALL="C.UTF-8",
               NO_COLOR="1")
    sums = [check(path, env, bless) for path in sys.argv[1:] if not path.startswith("-")]
    passed, failed = (sum(n) for n in zip(*sums))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
