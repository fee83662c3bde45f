#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a tracer costs the traced: rounds of unix-socket traffic with nothing attached, with
spf attached to another socket, to this one, and under strace and bpftrace where they run.
Interleaved rounds; each figure is the share of the rate that is left, from the best round.

usage: capture.py SPF TRAFFIC [ROUNDS]"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SPF, TRAFFIC = sys.argv[1:3]
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 5
DIR = tempfile.mkdtemp(prefix="spf-bench.")
SOCKET = os.path.join(DIR, "bench.sock")
LOADS = [  # what, mode, bytes, rounds
    ("ping-pong 64 B", "call", 64, 30000),
    ("ping-pong 1 KiB", "call", 1024, 30000),
    ("write+read 64 B", "pair", 64, 100000),
    ("write+read 1 KiB", "pair", 1024, 100000),
    ("write+read 16 KiB", "pair", 16384, 40000),
    ("bulk 256 KiB", "bulk", 262144, 4000),
    ("getppid()", "syscall", 0, 500000),
]


def spf(target):
    err = open(os.path.join(DIR, "err"), "w+")
    p = subprocess.Popen([SPF, "-f", "false", target], stdout=subprocess.DEVNULL, stderr=err)
    end = time.monotonic() + 20
    while "capturing" not in open(err.name).read():
        if p.poll() is not None or time.monotonic() > end:
            sys.exit("spf does not capture: " + open(err.name).read())
        time.sleep(0.02)
    return p


def bpftrace():
    p = subprocess.Popen(["bpftrace", "-e", "tracepoint:syscalls:sys_enter_write "
                          "{ printf(\"%r\\n\", buf(args->buf, 200)); }"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(3)
    return p if p.poll() is None else None


def stop(p):
    if p:
        p.send_signal(signal.SIGINT)
        p.wait()


def run(load, prefix=()):
    what, mode, size, count = load
    if prefix:
        count = max(count // 50, 200)
    out = subprocess.run([*prefix, TRAFFIC, SOCKET, mode, str(size), str(count)],
                         capture_output=True, text=True)
    return float(out.stdout) if out.returncode == 0 else None


STRACE = ("strace", "-f", "-e", "trace=network,read,write", "-o", "/dev/null")
SETUPS = [("nothing", None, ()), ("spf, other socket", lambda: spf(SOCKET + ".other"), ()),
          ("spf, this socket", lambda: spf(SOCKET), ())]
if shutil.which("bpftrace"):
    SETUPS.append(("bpftrace", bpftrace, ()))
if shutil.which("strace"):
    SETUPS.append(("strace -f", None, STRACE))

best = {}
for _ in range(ROUNDS):
    for name, begin, prefix in SETUPS:
        tracer = begin and begin()
        if begin and not tracer:
            continue
        for load in LOADS:
            ns = run(load, prefix)
            if ns is not None:
                key = (load[0], name)
                best[key] = min(ns, best.get(key, ns))
        stop(tracer)
shutil.rmtree(DIR)

print(f"best of {ROUNDS} interleaved rounds; share of the rate with nothing attached")
print("%-18s %12s" % ("", "nothing") + "".join("%20s" % s[0] for s in SETUPS[1:]))
for load in LOADS:
    base = best[load[0], "nothing"]
    row = "%-18s %9.0f ns" % (load[0], base)
    for name, _, _ in SETUPS[1:]:
        ns = best.get((load[0], name))
        row += "%20s" % ("-" if ns is None else "%.0f %%" % (100 * base / ns))
    print(row)
