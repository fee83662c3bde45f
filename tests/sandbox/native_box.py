# SPDX-License-Identifier: BSD-2-Clause
"""Native code inside of the running worker: system calls put into it as a debugger does, as if
LuaJIT had been broken; and what --unsafe gives and does not give. x86-64, as root."""
import ctypes
import os
import platform
import re
import signal
import subprocess
import time

import box
import live

EPERM, SIGSYS = 1, 31
FD_OUT, FD_ERR, FD_LINK, FD_INPUT, FD_SCRIPT = 1, 2, 3, 4, 7
ANON = 0x22  # MAP_PRIVATE | MAP_ANONYMOUS

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
libc.ptrace.restype = ctypes.c_long


class Regs(ctypes.Structure):
    _fields_ = [(n, ctypes.c_ulonglong) for n in (
        "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
        "fs_base gs_base ds es fs gs").split()]


def ptrace(what, pid, addr=0, data=0):
    if libc.ptrace(what, pid, addr, data) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


class Worker:
    """A worker that has done its lock-down and waits for input that never comes."""

    def __init__(self, *args):
        self.read_end, self.write_end = os.pipe()
        self.p = subprocess.Popen([live.SPF, "-r", "-", *args], stdin=self.read_end,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        live.processes.append(self.p)
        os.write(self.write_end, b"O addr=/run/app.sock\n")
        live.until(lambda: children(self.p.pid), "the worker is started")
        self.pid = children(self.p.pid)[0]
        live.until(lambda: status(self.pid)["Seccomp"] == "2", "the worker is locked")

    def find_code(self, code):
        with open(f"/proc/{self.pid}/maps") as f:
            start, end = next((int(a, 16), int(b, 16)) for a, b in re.findall(
                r"^(\w+)-(\w+) r-xp .*/libc", f.read(), re.M))
        with open(f"/proc/{self.pid}/mem", "rb") as f:
            f.seek(start)
            return start + f.read(end - start).index(code)

    def hang(self):
        """Lets it run an instruction that jumps to itself."""
        regs, at = Regs(), self.find_code(b"\xeb\xfe")
        ptrace(16, self.pid)
        os.waitpid(self.pid, 0x40000000)
        ptrace(12, self.pid, 0, ctypes.addressof(regs))
        regs.rip, regs.orig_rax = at, 2**64 - 1
        ptrace(13, self.pid, 0, ctypes.addressof(regs))
        ptrace(17, self.pid)

    def call(self, nr, *args):
        """Its result, or None if the call was the worker's last."""
        regs, at = Regs(), self.find_code(b"\x0f\x05")
        ptrace(16, self.pid)
        os.waitpid(self.pid, 0x40000000)
        ptrace(12, self.pid, 0, ctypes.addressof(regs))
        sp = regs.rsp & ~0xfff
        args = [sp if a == "stack" else self.p.pid if a == "monitor" else a for a in args] + [0] * 6
        regs.rip, regs.rax, regs.orig_rax = at, nr, 2**64 - 1
        regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9 = [a % 2**64 for a in args[:6]]
        ptrace(13, self.pid, 0, ctypes.addressof(regs))
        ptrace(9, self.pid)
        _, st = os.waitpid(self.pid, 0x40000000)
        if os.WIFSIGNALED(st):
            assert os.WTERMSIG(st) == SIGSYS, st
            return None
        assert os.WIFSTOPPED(st) and os.WSTOPSIG(st) == signal.SIGTRAP, st
        ptrace(12, self.pid, 0, ctypes.addressof(regs))
        return ctypes.c_longlong(regs.rax).value

    def end(self):
        self.p.kill()
        out = self.p.communicate()[0].decode(errors="replace")
        os.close(self.read_end)
        os.close(self.write_end)
        return out


# Pointers are NULL or the stack: who gets as far as EFAULT was let in.
ATTACKS = {
    "read_a_file": (2, 0, 0), "openat_a_file": (257, -100, 0, 0), "openat2_a_file": (437, -100, 0, 0, 24),
    "create_a_file": (85, 0, 0), "open_a_socket": (41, 1, 1, 0), "open_an_inet_socket": (41, 2, 1, 0),
    "fork": (57,), "vfork": (58,), "clone": (56, 0), "clone3": (435, 0, 0), "execve": (59, 0, 0, 0),
    "kill_the_monitor": (62, "monitor", 9), "tgkill_the_monitor": (234, "monitor", "monitor", 9),
    "trace_the_monitor": (101, 16, "monitor"), "be_traced": (101, 0),
    "map_rwx": (9, 0, 4096, 7, ANON, -1, 0), "map_executable": (9, 0, 4096, 5, ANON, -1, 0),
    "map_the_input": (9, 0, 4096, 1, 2, FD_INPUT, 0), "protect_rwx": (10, "stack", 4096, 7),
    "protect_by_key": (329, "stack", 4096, 7, -1),
    "write_to_the_input": (1, FD_INPUT, "stack", 1), "write_to_the_script": (1, FD_SCRIPT, "stack", 1),
    "writev_elsewhere": (20, FD_INPUT, "stack", 1), "send_a_message": (46, FD_LINK, 0, 0),
    "truncate_the_output": (77, FD_OUT, 0), "type_into_the_terminal": (16, FD_OUT, 0x5412, "stack"),
    "duplicate": (33, FD_OUT, 9), "setuid": (105, 0), "setresuid": (117, 0, 0, 0), "capset": (126, 0, 0),
    "bpf_program": (321, 5, 0, 0), "bpf_map_update": (321, 2, "stack", 32), "io_uring": (425, 1, 0),
    "userfaultfd": (323, 0), "perf_event_open": (298, 0, 0, -1, -1, 0), "memfd": (319, 0, 0),
    "read_the_monitors_memory": (310, "monitor", 0, 0, 0, 0), "write_the_monitors_memory": (311, "monitor", 0, 0, 0, 0),
    "pidfd_open": (434, "monitor", 0), "be_dumpable": (157, 4, 1), "prctl_seccomp": (157, 22, 2, 0),
    "unshare": (272, 0x10000000), "setns": (308, -1, 0), "mount": (165, 0, 0, 0, 0, 0), "chroot": (161, 0),
    "load_a_module": (313, -1, 0, 0), "keyctl": (250, 0, -3, 0), "shmat": (30, -1, 0, 0), "reboot": (169, 0, 0, 0, 0),
    "personality": (135, 0x400000), "unlink": (87, 0), "rename": (82, 0, 0), "seccomp": (317, 1, 0, 0),
    "x32_getpid": (0x40000000 + 39,),
}


def need_root():
    if os.geteuid() or platform.machine() != "x86_64":
        raise live.Skip("needs root on x86-64")


def attack(nr, *args):
    def test():
        need_root()
        w = Worker()
        try:
            result = w.call(nr, *args)
            if result is not None:
                assert result == -EPERM, f"the kernel went on: {result}"
            elif w.p.wait(10) != 1:
                raise AssertionError(f"spf ended with {w.p.returncode}")
        finally:
            out = w.end()
        assert result is not None or "sandbox forbids" in out, out
    return test


def test_the_way_of_these_tests_works():
    need_root()
    for nr, args, want in ((39, (), lambda w: w.pid), (1, (FD_OUT, "stack", 0), lambda w: 0),
                           (0, (FD_SCRIPT, "stack", 0), lambda w: 0), (102, (), lambda w: 65534),
                           (9, (0, 4096, 3, ANON, -1, 0), None)):
        w = Worker("-s", box.script("function on_frame() end"))
        got = w.call(nr, *args)
        assert got == want(w) if want else got > 0, (nr, got)
        w.end()


def test_the_worker_has_no_privilege_when_a_script_starts():
    need_root()
    text = "local t = os.clock() while os.clock() - t < 60 do end function on_frame() end"
    w = Worker("--script-timeout", "60s", "-s", box.script(text))
    s = status(w.pid)
    fds = os.listdir(f"/proc/{w.pid}/fd")
    with open(f"/proc/{w.pid}/maps") as f:
        maps = f.read()
    with open(f"/proc/{w.pid}/environ") as f:
        names = {v.split("=")[0] for v in f.read().split("\0") if v}
    w.end()
    assert s["Name"] != "" and s["Uid"].split() == ["65534"] * 4, s["Uid"]
    assert s["Gid"].split() == ["65534"] * 4 and s["Groups"].strip() == "", s
    for set_ in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(s[set_], 16) == 0, (set_, s[set_])
    assert s["NoNewPrivs"] == "1" and s["Seccomp"] == "2" and s["Threads"] == "1", s
    assert not re.search(r"^\S+ rwx", maps, re.M), "memory that is writable and executable"
    assert {int(fd) for fd in fds} <= {0, FD_OUT, FD_ERR, FD_LINK, FD_INPUT, FD_SCRIPT}, fds
    assert names <= {"TZ", "TERM", "NO_COLOR", "LANG", "LC_ALL", "LC_CTYPE"} | {"SUDO_UID", "SUDO_GID", "SPF_MONITOR"}, names


def test_a_worker_that_hangs_outside_of_scripts_is_ended():
    need_root()
    w = Worker()
    w.hang()
    assert w.p.wait(live.PATIENCE + 10 * 10) == 1  # 10 s of CPU, on a busy machine
    said = w.end()
    assert re.search("stuck in (starting|reading the capture) for 10 s of CPU time and was killed", said), said


def syscalls(*args):
    """{pid: [line, …]} of monitor and worker, in this order, under strace."""
    log = live.path(f"strace{time.monotonic_ns()}")
    subprocess.run(["strace", "-ff", "-qq", "-o", log, live.SPF, *args], stdin=subprocess.DEVNULL,
                   capture_output=True, timeout=60, check=False)
    folder = os.path.dirname(log)
    names = [n for n in os.listdir(folder) if n.startswith(os.path.basename(log) + ".")]
    calls = {}
    for name in sorted(names, key=lambda n: int(n.rsplit(".", 1)[1])):
        with open(os.path.join(folder, name), errors="replace") as f:
            calls[int(name.rsplit(".", 1)[1])] = f.read().splitlines()
    return calls


def check_order(calls, *fds):
    """In the worker the lock-down comes before any read of fds; the monitor reads no script."""
    monitor, worker = calls.values()

    def first(pattern):
        return next(i for i, line in enumerate(worker) if re.match(pattern, line))
    locked = first(r"seccomp\(SECCOMP_SET_MODE_FILTER.* = 0$")
    assert first(r"setresuid\(65534, 65534, 65534\) += 0$") < locked
    assert first(r"prctl\(PR_SET_NO_NEW_PRIVS, 1.* = 0$") < locked
    for fd in fds:
        assert locked < first(rf"p?read(64|v)?\({fd},"), f"{fd} is read before the lock-down"
    assert not any("on_frame" in line for line in monitor), "the monitor has read the script"


def test_the_lock_down_comes_before_the_first_byte():
    need_root()
    check_order(syscalls("-r", box.CAPTURE, "-s", box.script("function on_frame() end")),
                FD_SCRIPT, FD_INPUT)


def test_the_lock_down_comes_before_the_capture_is_enabled():
    need_root()
    calls = syscalls("-t", "0.2", "-s", box.script("function on_frame() end"), live.path("none.sock"))
    if len(calls) < 2:
        raise live.Skip("spf cannot capture here")
    check_order(calls, FD_SCRIPT)
    assert not any(line.startswith("bpf(") for line in list(calls.values())[1])


UNSAFE = """local ffi = require "ffi"
ffi.cdef "long syscall(long, ...); int getpid(void);"
local function try(name, nr, ...)
  local args = {}
  for i = 1, select("#", ...) do args[i] = ffi.cast("long", (select(i, ...))) end
  local r = tonumber(ffi.C.syscall(nr, unpack(args)))
  if r >= 0 or ffi.errno() ~= 1 then print("ESCAPED " .. name, r, ffi.errno()) end
end
function on_frame()
  %s
  print("uid", tonumber(ffi.C.syscall(102)))
  spf.exit(0)
end"""

# What --unsafe is for: files of the user.
UNSAFE_GIVES = {"read_a_file", "openat_a_file", "unlink", "rename", "write_to_the_input", "duplicate",
                "write_to_the_script", "writev_elsewhere", "truncate_the_output", "map_executable", "map_the_input"}


def test_unsafe_is_no_way_to_anything_but_files():
    need_root()
    lines = []
    for name, (nr, *args) in ATTACKS.items():
        if name in UNSAFE_GIVES or "stack" in args or nr >= 0x40000000:
            continue
        args = [1 if a == "monitor" else a for a in args]
        lines.append(f"try({', '.join([repr(name).replace(chr(39), chr(34)), str(nr), *map(str, args)])})")
    r = box.sound(box.run("--unsafe", "-s", box.script(UNSAFE % "\n  ".join(lines))))
    assert "ESCAPED" not in r.out and r.out == "uid\t65534\n", r


def test_unsafe_reads_a_file_and_starts_no_program():
    text = """function on_frame()
  print(io.open("/etc/passwd"):read("*l") ~= nil, io.open("/etc/shadow"), os.execute("true") == 0,
    pcall(io.popen, "true"))
  spf.exit(0)
end"""
    r = box.sound(box.run("--unsafe", "-s", box.script(text)))
    assert r.out.startswith("true\tnil\tfalse\t") and "file (0x" not in r.out, r


def tests():
    for name, args in ATTACKS.items():
        yield f"native_{name}", attack(*args)
    for name, f in list(globals().items()):
        if name.startswith("test_"):
            yield name[5:], f
