# SPDX-License-Identifier: BSD-2-Clause
"""What these tests share: spf with one script on a small capture, and what it used."""
import os
import resource
import signal
import subprocess
import time

import live

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURE = os.path.join(HERE, "hello.trace")
PATIENCE = 120  # seconds after which a run counts as a hang, on a busy machine too


class Result:
    def __init__(self, code, out, err, cpu):
        self.code, self.out, self.err, self.cpu = code, out, err, cpu

    def __str__(self):
        return f"exit {self.code} after {self.cpu:.2f} s of CPU\nout: {self.out!r}\nerr: {self.err!r}"


def script(text):
    """Writes the script and returns its path."""
    with open(live.path("x.lua"), "w") as f:
        f.write(text)
    return f.name


def run(*args, capture=CAPTURE, env=None):
    """spf on the capture; its CPU time is that of monitor and worker."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    p = subprocess.Popen([live.SPF, "-r", capture, *args], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         errors="backslashreplace", env=env)
    try:
        out, err = p.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        p.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        p.send_signal(signal.SIGTERM)
        p.communicate()
        raise AssertionError(f"hangs: {args}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Result(p.returncode, out, err, cpu)


def sound(result):
    """No crash: spf says so when a signal ended its worker, and else passes its status on."""
    assert result.code in (0, 1, 2, 3), result
    assert "ended by signal" not in result.err and "its sandbox forbids" not in result.err, result
    return result
