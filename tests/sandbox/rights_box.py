# SPDX-License-Identifier: BSD-2-Clause
"""Capturing without root: CAP_BPF and CAP_PERFMON as file capabilities are enough, and are gone
in the worker; without them spf names what is missing."""
import os
import shutil
import socket
import subprocess
import threading
import time

import box
import live
from native_box import children, status

USER = 54321


class Talk:
    """A connection on which something is said all the time."""

    def __init__(self, name):
        self.path = live.path(name)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen()
        os.chmod(self.path, 0o777)
        self.client = socket.socket(socket.AF_UNIX)
        self.client.connect(self.path)
        self.server, _ = listener.accept()
        self.done = threading.Event()
        threading.Thread(target=self.talk, daemon=True).start()

    def talk(self):
        while not self.done.wait(0.01):
            self.client.sendall(b"hello")
            self.server.recv(100)


def spf_of_user(name, caps):
    """Command of a copy of spf with these file capabilities, run by a user."""
    if os.geteuid() or live.run(live.SPF, "-q", "-t", "0.1", live.path("none.sock")).returncode:
        raise live.Skip("spf cannot capture here")
    exe = live.path(name)
    shutil.copy(live.SPF, exe)
    if caps and live.run("/usr/sbin/setcap", caps, exe).returncode:
        raise live.Skip("no file capabilities here")
    return ["setpriv", "--reuid", str(USER), "--regid", str(USER), "--clear-groups", exe]


def test_two_capabilities_are_enough():
    command = spf_of_user("spf-cap", "cap_bpf,cap_perfmon+ep")
    talk = Talk("cap.sock")
    r = live.run(*command, "-k", "chunk", "-c", "3", "-t", "10", talk.path)
    talk.done.set()
    assert r.returncode == 0 and len(r.stdout.splitlines()) == 3, r


def test_the_worker_has_none_of_them():
    command = spf_of_user("spf-cap2", "cap_bpf,cap_perfmon+ep")
    p = subprocess.Popen([*command, live.path("none.sock")], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    live.processes.append(p)
    worker = live.until(lambda: children(p.pid), "the worker is started")[0]
    live.until(lambda: status(worker)["Seccomp"] == "2", "the worker is locked")
    s, monitor = status(worker), status(p.pid)
    assert s["Uid"].split() == [str(USER)] * 4 and s["NoNewPrivs"] == "1", s
    assert all(int(s[c], 16) == 0 for c in ("CapInh", "CapPrm", "CapEff", "CapAmb")), s
    assert int(monitor["CapPrm"], 16) == 1 << 38 | 1 << 39, monitor


def test_what_is_missing_is_named():
    for caps, want in (("", "CAP_BPF and CAP_PERFMON"), ("cap_bpf+ep", "CAP_PERFMON"),
                       ("cap_perfmon+ep", "CAP_BPF")):
        r = live.run(*spf_of_user("spf-few", caps), "-t", "0.2", live.path("none.sock"))
        err = r.stderr.decode()
        assert r.returncode == 1 and f"needs root, or {want}: " in err, (caps, r)


def test_a_replay_needs_no_right_at_all():
    capture = shutil.copy(box.CAPTURE, live.path("hello.trace"))  # where the user may read it
    r = live.run(*spf_of_user("spf-none", ""), "-r", capture)
    assert r.returncode == 0 and b"HEADERS" in r.stdout, r


def test_ends_are_described():
    spf_of_user("unused", "")
    talk = Talk("ends.sock")
    spf = live.Spf("-k", "conn", "-j", talk.path)
    time.sleep(0.5)
    record = spf.records()[-1]  # by its end the answers have come, also on a busy machine
    talk.done.set()
    for end in ("client", "server"):
        assert record[end]["exe"] == os.readlink("/proc/self/exe"), record
        assert record[end]["uid"] == 0 and record[end]["cgroup"] > 0, record


def tests():
    for name, f in list(globals().items()):
        if name.startswith("test_"):
            yield name[5:], f
