#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a tracer costs the traced.

usage: capture.py SPF TESTS [ROUNDS]

Rounds of traffic with nothing attached; with spf's programs attached and at rest (what the kernel's
hooks cost, whatever is done in them), with spf attached to other sockets and to these (by each
backend that this kernel has); and under bpftrace and strace where they are installed. The setups
take turns within a round, so that what the machine does besides hits all of them; traffic and
tracers go before what else runs (nice), spf on another CPU than the ping-pong. A figure is
the share of its rate that the traffic keeps: of the fastest slices of all rounds, and in brackets
the median of the rounds' own ratios. Then what spf itself uses and loses, and what each of its
programs takes (bpf_stats, which adds some 40 ns to each run)."""
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

SPF, TESTS = sys.argv[1:3]
TRAFFIC, REST = os.path.join(TESTS, "traffic"), os.path.join(TESTS, "rest")
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 9
DIR = tempfile.mkdtemp(prefix="spf-bench.")
SOCKET = os.path.join(DIR, "bench.sock")
PORT = "39871"
SIZES = [(64, "64 B", 20000), (1024, "1 KiB", 20000), (16384, "16 KiB", 8000),
         (262144, "256 KiB", 800)]
LOADS = [(f"{kind} {mode} {size}", where, word, n, max(count // (1 + tcp), 200))
         for tcp, (kind, where) in enumerate([("unix", SOCKET), ("tcp", PORT)])
         for mode, word in [("ping-pong", "call"), ("bulk", "bulk")]
         for n, size, count in SIZES]
LOADS += [("getppid()", "-", "getppid", 0, 200000), ("write to /dev/null", "-", "null", 64, 200000)]
STATS = "/proc/sys/kernel/bpf_stats_enabled"


# ---- tracers ----

class Tracer:
    """A program that traces once it says "capturing"; not on the CPU of the ping-pong."""

    def __init__(self, *command):
        with open(os.path.join(DIR, "err"), "w") as err:
            self.p = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=err)
        os.sched_setaffinity(self.p.pid, range(1 if os.cpu_count() > 1 else 0, os.cpu_count()))
        end = time.monotonic() + 20
        while "capturing" not in self.said():
            if self.p.poll() is not None or time.monotonic() > end:
                sys.exit(f"{command[0]} does not capture: {self.said()}")
            time.sleep(0.02)

    @staticmethod
    def said():
        with open(os.path.join(DIR, "err"), errors="replace") as f:
            return f.read()

    def stop(self):
        self.p.send_signal(signal.SIGINT)
        self.p.wait()


class Spf(Tracer):
    """spf, attached to the sockets of the traffic or to others."""

    def __init__(self, backend, sockets):
        super().__init__(SPF, "-v", "--backend", backend, "-f", "false", *sockets)
        time.sleep(0.2)

    def cpu(self):
        """Nanoseconds that both processes have used."""
        kids = open(f"/proc/{self.p.pid}/task/{self.p.pid}/children").read().split()
        return sum(int(open(f"/proc/{pid}/schedstat").read().split()[0])
                   for pid in [self.p.pid, *kids])

    def lost(self):
        """{load: share of its bytes that the ring had no room for}; to be asked at the end."""
        sums = {}
        for conn, accepted, lost in re.findall(
                r"connection (\d+) .*: accepted (\d+) =.* lost (\d+)", self.said()):
            a, b = sums.get(int(conn), (0, 0))
            sums[int(conn)] = (a + int(accepted), b + int(lost))
        loads = [load[0] for load in LOADS if load[2] in ("call", "bulk")]
        if len(sums) != len(loads):
            return {}
        return {load: b / max(a, 1) for load, (_, (a, b)) in zip(loads, sorted(sums.items()))}

    def programs(self):
        """{name: (ns, runs)} of its BPF programs."""
        ids, out = set(), {}
        for fd in os.listdir(f"/proc/{self.p.pid}/fdinfo"):
            found = re.search(r"^prog_id:\s*(\d+)", open(f"/proc/{self.p.pid}/fdinfo/{fd}").read(),
                              re.M)
            if found:
                ids.add(found.group(1))
        for prog in ids:
            show = subprocess.run(["bpftool", "-j", "prog", "show", "id", prog],
                                  capture_output=True, text=True)
            j = json.loads(show.stdout)
            out[j["name"]] = (j.get("run_time_ns", 0), j.get("run_cnt", 0))
        return out


# It wants tracefs: where that is not mounted it gets one of its own. That it may not lift the limit
# of locked memory it says on its standard error, and goes on.
BPFTRACE = ("unshare", "-m", "bash", "-c", "[ -e /sys/kernel/tracing/events ] || "
            "mount -t tracefs tracefs /sys/kernel/tracing; exec bpftrace -B line -e \"$1\" "
            "> >(grep -m1 --line-buffered capturing >&2; exec cat > /dev/null)", "bash",
            "BEGIN { printf(\"capturing\\n\"); } "
            "tracepoint:syscalls:sys_enter_write { printf(\"%r\\n\", buf(args->buf, 200)); }")


class Bpftrace(Tracer):
    def __init__(self):
        super().__init__(*BPFTRACE)


def has_bpftrace():
    """It needs a kernel with syscall tracepoints."""
    if not shutil.which("bpftrace"):
        return "is not installed"
    r = subprocess.run([*BPFTRACE[:-1], BPFTRACE[-1] + " interval:ms:100 { exit(); }"],
                       capture_output=True, text=True)
    return "" if r.returncode == 0 else "does not run here: " + r.stderr.strip().split("\n")[-1]


def backends():
    doctor = subprocess.run([SPF, "--doctor"], capture_output=True, text=True).stdout
    return re.findall(r"^(\S+) +works", doctor, re.M)


def setups():
    """[(name, begin or None, prefix of the traffic's command)]"""
    out = [("nothing", None, ())]
    for b in backends():
        out.append((f"{b}: at rest", lambda b=b: Tracer(REST, b), ()))
        out.append((f"{b}: others", lambda b=b: Spf(b, [SOCKET + ".other", "tcp:1"]), ()))
        out.append((f"{b}: these", lambda b=b: Spf(b, [SOCKET, "tcp:" + PORT]), ()))
    missing = has_bpftrace()
    if missing:
        print("bpftrace", missing)
    else:
        out.append(("bpftrace", Bpftrace, ()))
    if shutil.which("strace"):
        out.append(("strace -f", None, ("strace", "-f", "-e", "trace=network,read,write",
                                        "-o", "/dev/null")))
    else:
        print("strace is not installed")
    return out


# ---- rounds ----

def run(load, prefix=()):
    """Nanoseconds a round, or None."""
    _, where, mode, size, count = load
    if prefix:
        count = max(count // 50, 200)
    out = subprocess.run([*prefix, TRAFFIC, where, mode, str(size), str(count)],
                         capture_output=True, text=True)
    return float(out.stdout.split()[0]) if out.returncode == 0 else None


def measure(todo):
    """{(load, setup): [ns of each round]}, and of spf {(load, setup): [ns of CPU time a round]},
    {(load, setup): [share lost]}"""
    ns, cpu, lost = {}, {}, {}
    for i in range(ROUNDS):
        for name, begin, prefix in todo:
            tracer = begin and begin()
            for load in LOADS:
                used = tracer.cpu() if isinstance(tracer, Spf) else 0
                t = run(load, prefix)
                if t is None:
                    continue
                ns.setdefault((load[0], name), []).append(t)
                if isinstance(tracer, Spf):
                    cpu.setdefault((load[0], name), []).append(
                        (tracer.cpu() - used) / load[4])
            if tracer:
                tracer.stop()
            for load, part in tracer.lost().items() if isinstance(tracer, Spf) else ():
                lost.setdefault((load, name), []).append(part)
        print(f"round {i + 1} of {ROUNDS}", file=sys.stderr)
    return ns, cpu, lost


def programs(begin):
    """[(load, {program: ns a run})] with bpf_stats."""
    out = []
    before = open(STATS).read()
    tracer = begin()
    open(STATS, "w").write("1")
    try:
        for load in LOADS:
            best = {}
            for _ in range(5):
                a = tracer.programs()
                run(load)
                b = tracer.programs()
                for prog, (ns, runs) in b.items():
                    n = runs - a[prog][1]
                    if n >= load[4] // 10:
                        each = (ns - a[prog][0]) / n
                        best[prog] = min(each, best.get(prog, each))
            out.append((load[0], best))
    finally:
        open(STATS, "w").write(before)
        tracer.stop()
    return out


# ---- tables ----

def table(head, rows):
    rows = [head, *rows]
    width = [max(len(r[i]) for r in rows) for i in range(len(head))]
    for r in rows:
        print("  ".join(c.ljust(w) if i == 0 else c.rjust(w)
                        for i, (c, w) in enumerate(zip(r, width))))


def share(base, other):
    best = min(base) / min(other)
    median = statistics.median(b / o for b, o in zip(base, other))
    return f"{100 * best:.0f} % ({100 * median:.0f})"


def use(cpu, lost):
    part = 100 * statistics.median(lost) if lost else 0
    return f"{statistics.median(cpu):.0f}" + (f" (lost {part:.0f} %)" if part >= 0.5 else "")


def run_first():
    os.nice(-19)
    try:
        with open("/proc/self/autogroup", "w") as f: # else nice counts within a session only
            f.write("-19")
    except OSError:
        pass


def main():
    run_first()
    todo = setups()
    ns, cpu, lost = measure(todo)
    names = [t[0] for t in todo[1:]]
    print(f"kernel {os.uname().release}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}; "
          f"share of the rate that is kept: best of {ROUNDS} rounds (median)")
    rows = []
    for load in LOADS:
        base = ns[load[0], "nothing"]
        rows.append([load[0], f"{min(base):.0f} ns"] +
                    [share(base, ns[load[0], n]) if (load[0], n) in ns else "-" for n in names])
    table(["", "nothing", *names], rows)
    print("\nCPU time of spf, ns a round, and bytes lost because its ring was full")
    spfs = [n for n in names if (LOADS[0][0], n) in cpu]
    table(["", *spfs], [[load[0]] + [use(cpu[load[0], n], lost.get((load[0], n))) for n in spfs]
                        for load in LOADS])
    if not shutil.which("bpftool"):
        print("\nbpftool is not installed: no times of programs")
        return
    for name, begin, _ in todo:
        if name not in spfs:
            continue
        print(f"\n{name}: ns a run of each program")
        found = programs(begin)
        progs = sorted({p for _, best in found for p in best})
        table(["", *progs], [[load, *[f"{best[p]:.0f}" if p in best else "-" for p in progs]]
                             for load, best in found])


try:
    main()
finally:
    shutil.rmtree(DIR)
