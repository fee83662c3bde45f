# SPDX-License-Identifier: BSD-2-Clause
"""What others choose — socket names, process names, traffic, scripts, file names — moves no
terminal: spf runs on one, and all that comes out is looked at."""
import os
import pty
import re
import select
import signal
import socket
import subprocess
import time

import box
import live

EVIL = b"\x1bc\x1b]0;x\x07\x08\x7f\x9b31m\xc2\x9b\xe2\x80\xae\xe2\x81\xa6"
LUA = r'"\27[2J\27]0;x\7\8\127\155\194\155\226\128\174\226\129\166"'
RESTORED = b"\x1b[0m\x1b[?25h"  # by the monitor, after a kill
NAME = EVIL + b"z"  # of a file: without / and NUL

CONTROLS = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\udc80-\udcff]")


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, *command):
        self.out = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(command[0], command)

    def read_until(self, done):
        """Reads until done() or the end of the output."""
        end = time.monotonic() + box.PATIENCE
        while not done() and time.monotonic() < end:
            if not select.select([self.fd], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            self.out += data

    def finish(self):
        """Its exit status."""
        self.read_until(lambda: False)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def on_a_terminal(*args):
    """Exit status of spf and everything that came out of its terminal."""
    t = Terminal(live.SPF, *args)
    return t.finish(), t.out


def replay(*args):
    return on_a_terminal("-r", box.CAPTURE, *args)


def harmless(out):
    """Nothing but line ends moves the terminal; colour must be off. RESTORED may come last."""
    text = out.removesuffix(RESTORED).replace(b"\r\n", b"\n").decode("utf-8", "surrogateescape")
    bad = CONTROLS.search(text)
    assert not bad, (hex(ord(bad[0])), out)


def test_print():
    code, out = replay("--color", "never", "-c", "1", "-s",
                       box.script(f"function on_frame() print('a' .. {LUA}) spf.exit(0) end"))
    assert code == 0 and b"a\\x1b[2J" in out, (code, out)
    harmless(out)


def test_errors_of_scripts():
    for text in (f"function on_frame() error({LUA}) end", f"error({LUA})",
                 f"function on_frame() error(setmetatable({{}}, {{ __tostring = function() return {LUA} end }})) end",
                 f"function on_frame() spf.log.warn({LUA}) end", "function on_frame() \27[2J end",
                 f"function on_frame() load('x(', {LUA})() end",
                 f"function on_frame() load('while true do end', '@' .. {LUA})() end",
                 f"require({LUA})", f"function on_frame() local t = {{}} t[{LUA}].x = 1 end"):
        code, out = replay("--color", "never", "--script-timeout", "200ms", "-s", box.script(text))
        assert code in (0, 1, 2, 3) and out, (code, out)
        harmless(out)


def test_names_in_messages():
    folder = os.path.join(live.DIR.encode(), NAME)
    script = os.path.join(folder, NAME + b".lua")
    os.makedirs(folder)
    with open(script, "wb") as f:
        f.write(b"--- " + EVIL + b".\n-- @license " + EVIL + b"\n-- @api 1\n-- @usage " + EVIL +
                b"\n-- @arg a int=1 " + EVIL + b"\n-- @output\n--   " + EVIL + b"\nfunction on_frame(f) f.x.y = 1 end\n")
    plain = live.path("plain")
    open(plain, "w").close()
    evil_plain = os.path.join(folder, b"plain")
    open(evil_plain, "w").close()
    trace = os.path.join(folder, b"trace")
    with open(trace, "wb") as f:
        f.write(b"garbage " + EVIL)
    for code, args in (
            (2, ["--" + "x", NAME]), (2, [b"--" + NAME]), (2, ["-r", folder + b"/none"]), (1, ["-r", trace]),
            (1, ["-r", evil_plain]), (2, ["-r", box.CAPTURE, "-s", folder]), (2, ["-r", box.CAPTURE, "-s", NAME]),
            (1, ["-r", box.CAPTURE, "-s", script]), (2, ["-r", box.CAPTURE, "-w", folder + b"/none/x"]),
            (2, ["-r", box.CAPTURE, "-o", folder + b"/none/x"]), (2, ["-r", box.CAPTURE, "-e", NAME]),
            (2, ["-r", box.CAPTURE, "-f", NAME]), (2, ["-r", box.CAPTURE, "-F", NAME]),
            (2, ["-r", box.CAPTURE, "-a", NAME]), (2, ["--backend", NAME, plain]), (2, ["--list", NAME]),
            (2, ["--user", NAME, "-r", box.CAPTURE]), (2, ["-k", NAME, plain]), (2, ["-t", NAME, plain]),
            (2, [evil_plain]), (2, [folder]), (2, ["--info", NAME]), (2, ["--check", script]),
            (0, ["--script-dir", folder, "--list", "scripts"]), (0, ["--info", script])):
        got, out = on_a_terminal(*args)
        assert out and (got == code or (got in (1, 2) and code)), (got, code, args, out)
        harmless(out)


def need_capture():
    if os.geteuid() or live.run(live.SPF, "-q", "-t", "0.1", live.path("none.sock")).returncode:
        raise live.Skip("spf cannot capture here")


CHILD = r"""
import os, socket, sys, time
path = os.fsencode(sys.argv[1])
open("/proc/self/comm", "wb").write(b"\x1b[2J\x9b\xc2\x9b\x7f\x08c")
s = socket.socket(socket.AF_UNIX)
s.bind(path)
s.listen()
print("ready", flush=True)
a, _ = s.accept()
got = a.recv(65536)
a.sendall(b"HTTP/1.1 200 \x1b[2JOK\r\nX-\xc2\x9bA: \x1b[2J\x9b\xe2\x80\xae\x7f\r\nContent-Length: 4\r\n\r\n\x1b[2J")
sys.stdin.read()
"""


def shown(options, where, name, status=0):
    """What spf says on its terminal about a connection on the socket, and ends with."""
    t = Terminal(live.SPF, "--color", "never", "-v", *options, name)
    t.read_until(lambda: b"capturing" in t.out)
    peer = subprocess.Popen(["/usr/bin/python3", "-c", CHILD, where], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)
    live.processes.append(peer)
    peer.stdout.readline()
    listed = on_a_terminal("--list", "sockets")
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(where)
        s.sendall(b"GET /\x9b\xc2\x9b\x1b[2J HTTP/1.1\r\nHost: \x1b]0;x\x07\xe2\x80\xae\r\nA\x7f: \x08\r\n\r\n")
        s.recv(65536)
        peer.stdin.close()
        peer.wait(live.PATIENCE)
    os.unlink(where)
    time.sleep(0.3)
    os.kill(t.pid, signal.SIGINT)
    code = t.finish()
    assert code == status, (code, t.out)
    return t.out, listed


def test_traffic_names_of_sockets_and_of_processes():
    need_capture()
    where = os.path.join(live.DIR.encode(), b"s" + EVIL)
    script = box.script("function on_http(m) print(m.path, m.addr, m.comm) for k, v in m.headers:each() do print(k, v) end end "
                        "function on_conn(c) print(c.addr, c.client, c.server) end "
                        "function on_chunk(c) print(c.data) error(c.data) end")
    for options in ((), ("-k", "chunk", "-x"), ("-k", "chunk", "-k", "conn", "-A"), ("-k", "conn", "-k", "http"),
                    ("-s", script), ("-F", "ts,addr,comm,path,data"), ("-e", "count(addr, comm, path)"), ("-j",)):
        out, (code, listed) = shown(options, where, where, status="-s" in options)  # whose script fails
        assert b"yet; waiting" in out and code == 0, out
        assert b"s\\x1bc" in listed, listed
        harmless(out)
        harmless(listed)


def test_a_terminal_is_given_back_after_a_kill():
    text = "function on_frame() spf.tty.write('\\27[?25l\\27[31m') while true do end end"
    code, out = replay("-s", box.script(text), "--script-timeout", "200ms")
    assert code == 3 and out.rstrip().endswith(RESTORED), (code, out)


def tests():
    for name, f in list(globals().items()):
        if name.startswith("test_"):
            yield "terminal_" + name[5:], f
