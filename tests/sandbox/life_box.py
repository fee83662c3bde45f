# SPDX-License-Identifier: BSD-2-Clause
"""Starts, stops and kills at random moments leave nothing: no process, no BPF program, map or
link. SPF_STARTS sets how many (1000 for a release)."""
import json
import os
import random
import re
import signal
import subprocess
import time

import box
import live
from native_box import children

STARTS = int(os.environ.get("SPF_STARTS", 24))
BPFTOOL = "/usr/sbin/bpftool"


def bpf_objects():
    """{(kind, id)} of all that is loaded."""
    objects = set()
    for kind in ("prog", "map", "link"):  # links are listed by some kernels only
        r = subprocess.run([BPFTOOL, "-j", kind, "list"], capture_output=True, check=False)
        objects |= {(kind, o["id"]) for o in json.loads(r.stdout or b"[]") if "id" in o}
    return objects


def held_objects():
    """{(kind, id)} that a process has a descriptor of, as other captures on this machine do."""
    held = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            names = os.listdir(f"/proc/{pid}/fdinfo")
        except OSError:
            continue
        for name in names:
            try:
                with open(f"/proc/{pid}/fdinfo/{name}") as f:
                    held |= set(re.findall(r"^(prog|map|link)_id:\s+(\d+)", f.read(), re.M))
            except OSError:
                pass
    return {(kind, int(n)) for kind, n in held}


def spf_processes():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            exe = os.readlink(f"/proc/{pid}/exe")
        except OSError:
            continue
        if exe.removesuffix(" (deleted)") == live.SPF:
            found.append(int(pid))
    return found


def spf(*args):
    p = subprocess.Popen([live.SPF, *args], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    live.processes.append(p)
    return p


def strike(p, rng):
    """Ends p, or its worker, in one of the ways in which that happens."""
    time.sleep(rng.uniform(0, 0.6))
    who, how = p.pid, [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP]
    workers = children(p.pid)
    if workers and rng.random() < 0.4: # which leaves Ctrl-C to the monitor
        who, how = rng.choice(workers), [signal.SIGKILL, signal.SIGTERM]
    sig = rng.choice(how)
    try:
        os.kill(who, sig)
    except ProcessLookupError:
        pass
    try:
        p.wait(60)  # a start needs half a second of CPU, which a loaded machine gives late
    except subprocess.TimeoutExpired as e:
        left = {n: [open(f"/proc/{n}/{f}").read() for f in ("comm", "wchan", "stack", "syscall")]
                for n in [p.pid, *children(p.pid)]}
        raise AssertionError(f"signal {sig} to {who} of {p.pid} does not end it: {left}") from e


def test_kills_at_random_moments_leave_nothing():
    if os.geteuid() or live.run(live.SPF, "-q", "-t", "0.1", live.path("none.sock")).returncode:
        raise live.Skip("spf cannot capture here")
    rng = random.Random(STARTS)
    script = box.script("function on_frame() end")
    before = bpf_objects()
    for i in range(STARTS):
        strike(spf("-s", script, live.path("none.sock")), rng)
        if i % 50 == 49:
            live.until(lambda: not spf_processes(), "all processes are gone")
    live.until(lambda: not spf_processes(), "all processes are gone")
    live.until(lambda: not bpf_objects() - before - held_objects(), "all BPF objects are gone")


def test_these_tests_see_a_capture():
    if os.geteuid() or live.run(live.SPF, "-q", "-t", "0.1", live.path("none.sock")).returncode:
        raise live.Skip("spf cannot capture here")
    before = bpf_objects()
    p = live.Spf(live.path("none.sock"))
    new = bpf_objects() - before
    assert new & held_objects() and {"prog", "map"} <= {kind for kind, _ in new}, new
    assert set(spf_processes()) == {p.p.pid, *children(p.p.pid)}
    p.finish()


def test_kills_of_replays_leave_nothing():
    rng = random.Random(STARTS)
    script = box.script("function on_frame() local t = os.clock() while os.clock() - t < 0.1 do end end")
    for _ in range(STARTS):
        strike(spf("-r", box.CAPTURE, "-s", script), rng)
    live.until(lambda: not spf_processes(), "all processes are gone")


def test_the_worker_ends_when_its_monitor_is_killed():
    p = spf("-r", box.CAPTURE, "--script-timeout", "60s",
            "-s", box.script("function on_frame() while true do end end"))
    worker = live.until(lambda: children(p.pid), "the worker is started")[0]
    time.sleep(0.2)
    p.kill()
    p.wait()
    live.until(lambda: worker not in spf_processes(), "the worker is gone")


def test_a_killed_worker_is_reported():
    err = live.path("killed.err")
    with open(err, "wb") as f:
        p = subprocess.Popen([live.SPF, "-r", box.CAPTURE, "--script-timeout", "60s", "-s",
                              box.script("function on_frame() while true do end end")],
                             stdin=subprocess.DEVNULL, stderr=f)
    live.processes.append(p)
    worker = live.until(lambda: children(p.pid), "the worker is started")[0]
    time.sleep(0.2)
    os.kill(worker, signal.SIGKILL)
    assert p.wait(10) == 1
    with open(err) as f:
        assert "the worker was ended by signal 9" in f.read()


def tests():
    for name, f in list(globals().items()):
        if name.startswith("test_"):
            yield name[5:], f
