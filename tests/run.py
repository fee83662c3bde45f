#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs test suites and adds up their counts. usage: run.py [-v] [--log DIR] SUITE...

A suite is a make target. What it prints is kept in DIR/SUITE.log, and read for its counts:

    cmocka's  [  PASSED  ] 3 test(s).   [  FAILED  ] 1 test(s), …   (each binary prints them)
    or lines  3 passed, 1 failed        3 passed, 0 failed, 2 skipped

A line that begins with "skip" names what was skipped, and why; it is shown. A suite that ends
non-zero without a failure counted, or counts nothing, is one failure.
"""
import os
import re
import subprocess
import sys
import time

CMOCKA = re.compile(r"^\[ +(PASSED|FAILED) +\] (\d+) test\(s\)")
COUNTS = re.compile(r"^(?:\S+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")
ANSI = re.compile(r"\x1b\[[0-9;]*m")
TIME_MAX = 1500  # seconds a suite may take
TAIL = 40        # lines shown of one that failed


class Suite:
    def __init__(self, name):
        self.name = name
        self.passed = self.failed = self.skipped = 0
        self.skips = []
        self.counts = 0
        self.ended = 0
        self.seconds = 0.0
        self.lines = []

    def read(self, line):
        line = ANSI.sub("", line.rstrip("\n"))
        self.lines.append(line)
        if m := CMOCKA.match(line):
            if m[1] == "PASSED":
                self.passed += int(m[2])
            else:
                self.failed += int(m[2])
            self.counts += 1
        elif m := COUNTS.match(line):
            self.passed += int(m[1])
            self.failed += int(m[2])
            self.skipped += int(m[3] or 0)
            self.counts += 1
        elif re.match(r"skip", line, re.I):
            self.skips.append(line)

    def run(self, log, verbose):
        start = time.monotonic()
        command = ["timeout", "-k", "10", str(TIME_MAX), os.environ.get("MAKE", "make"),
                   "--no-print-directory", self.name]
        path = os.path.join(log, self.name + ".log")
        with open(path, "w") as out, subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="backslashreplace") as p:
            for line in p.stdout:
                out.write(line)
                if verbose:
                    sys.stdout.write(line)
                self.read(line)
        self.ended = p.returncode
        self.seconds = time.monotonic() - start
        if (self.ended and not self.failed) or not self.counts:
            self.failed += 1
        self.skipped = max(self.skipped, len(self.skips))

    def report(self):
        word = "FAIL" if self.failed else "ok"
        text = f"{self.name:<16} {word:<5}{self.passed:>7} passed"
        if self.failed:
            text += f", {self.failed} failed"
        if self.skipped:
            text += f", {self.skipped} skipped"
        print(f"{text}  ({self.seconds:.1f} s)", flush=True)
        for line in self.skips:
            print(f"    {line}")
        if self.failed:
            if self.ended:
                print(f"    ended with status {self.ended}; its last lines:")
            for line in self.lines[-TAIL:]:
                print(f"    {line}")
            sys.stdout.flush()


def main():
    args = sys.argv[1:]
    verbose = "-v" in args
    log = args[args.index("--log") + 1] if "--log" in args else "build/check"
    names = [a for a in args if a not in ("-v", "--log", log)]
    os.makedirs(log, exist_ok=True)
    os.environ.update(TZ="UTC", LC_ALL="C")
    os.environ.pop("MAKELEVEL", None)
    suites = [Suite(name) for name in names]
    for s in suites:
        s.run(log, verbose)
        s.report()
    passed, failed, skipped = (sum(getattr(s, k) for s in suites)
                               for k in ("passed", "failed", "skipped"))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
