# SPDX-License-Identifier: BSD-2-Clause
"""What the live tests share: starting spf and peers, waiting for conditions, ending all."""
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.path.join(ROOT, "build/live/peers")
DIR = tempfile.mkdtemp(prefix="spf-live.")
os.chmod(DIR, 0o755)
SPF = os.path.join(DIR, "spf")
READY = re.compile(r"^spf: capturing", re.M)
PATIENCE = 20  # seconds that a condition may take on a busy machine

processes = []


class Skip(Exception):
    """Why a test cannot run here."""


def setup():
    # a copy that other users may run too
    shutil.copy(os.path.join(ROOT, os.environ.get("SPF", "build/spf")), SPF)
    os.chmod(SPF, 0o755)


def run_tests(tests):
    """Runs pairs of a name and a function; prints "ok NAME", "FAIL NAME why" or "skip NAME why",
    then the counts. Returns the exit status."""
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    try:
        for name, test in tests:
            word, why = "ok", ""
            try:
                test()
            except Skip as e:
                word, why = "skip", str(e)
            except Exception:
                word, why = "FAIL", traceback.format_exc()
            end_all()
            counts[word] += 1
            print(f"{word} {name} {why}".rstrip(), flush=True)
    finally:
        cleanup()
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    return counts["FAIL"] != 0


def is_sanitized():
    """Whether spf is built with AddressSanitizer, which keeps what was freed."""
    with open(SPF, "rb") as f:
        return b"__asan_init" in f.read()


def end_all():
    """Ends what a test left running."""
    for p in processes:
        if p.poll() is None:
            p.terminate()
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
    processes.clear()


def cleanup():
    end_all()
    shutil.rmtree(DIR, ignore_errors=True)


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE} s in vain until {what}")


def path(name):
    return os.path.join(DIR, name)


def start(*command, **options):
    """A peer, ended with the tests at the latest."""
    log = open(path(os.path.basename(command[0]) + ".log"), "ab")
    p = subprocess.Popen(command, stdout=options.pop("stdout", log),
                         stderr=options.pop("stderr", log),
                         stdin=subprocess.DEVNULL, **options)
    processes.append(p)
    return p


def stop(p, sig=signal.SIGTERM):
    p.send_signal(sig)
    return p.wait(PATIENCE)


def run(*command, **options):
    return subprocess.run(command, capture_output=True, timeout=60, stdin=subprocess.DEVNULL,
                          **options)


def program(name):
    """Where a program is that tests/live/peers.sh unpacked, or else the machine has."""
    path_ = ":".join([os.path.join(PEERS, "usr/bin"), os.path.join(PEERS, "usr/sbin"),
                      os.environ["PATH"], "/usr/sbin"])
    found = shutil.which(name, path=path_)
    if not found:
        raise Skip(f"there is no {name}: tests/live/peers.sh brings it")
    return found


def header(headers, name):
    return next((h["value"] for h in headers if h["name"] == name), None)


def can_connect(where):
    family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
    with socket.socket(family) as s:
        try:
            s.connect(where)
            return True
        except OSError:
            return False


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Spf:
    """spf, started and ready to capture."""
    count = 0

    def __init__(self, *args, ready=True, stdout=None):
        Spf.count += 1
        self.out_path, self.err_path = path(f"out{Spf.count}"), path(f"err{Spf.count}")
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.p = subprocess.Popen([SPF, *args], stdout=stdout or out, stderr=err,
                                      stdin=subprocess.DEVNULL, cwd=ROOT)
        processes.append(self.p)
        if ready:
            until(self.is_ready, "spf is ready")

    def is_ready(self):
        if self.p.poll() is not None:
            raise AssertionError(f"spf ended with {self.p.returncode}: {self.err()}")
        return READY.search(self.err())

    def out(self):
        with open(self.out_path, "rb") as f:
            return f.read()

    def err(self):
        with open(self.err_path, errors="backslashreplace") as f:
            return f.read()

    def wait(self):
        return self.p.wait(PATIENCE)

    def finish(self, sig=signal.SIGINT):
        """Ends the capture and returns what was printed."""
        self.p.send_signal(sig)
        code = self.wait()
        assert code == 0, f"spf ended with {code}: {self.err()}"
        return self.out()

    def records(self):
        return [json.loads(line) for line in self.finish().decode().splitlines()]

    def calls(self):
        """The calls, in the order in which they began."""
        return sorted((r for r in self.records() if r["kind"] == "call"), key=lambda c: c["start"])


class Nghttpx:
    """nghttpd on a port, and nghttpx before it on a unix socket; serves files of root."""

    def __init__(self, name="h2.sock"):
        self.root = path("htdocs")
        os.makedirs(self.root, exist_ok=True)
        self.socket = path(name)
        port = free_port()
        self.server = start("nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", self.root, str(port))
        until(lambda: can_connect(("127.0.0.1", port)), "nghttpd listens")
        self.proxy = start("nghttpx", f"--frontend=unix:{self.socket};no-tls",
                           f"--backend=127.0.0.1,{port};;proto=h2", "--workers=1",
                           "--conf=/dev/null", "--accesslog-file=/dev/null")
        until(lambda: can_connect(self.socket), "nghttpx listens")

    def stop(self):
        stop(self.proxy)
        stop(self.server)
