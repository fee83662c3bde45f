#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the live tests: spf on real peers. usage: SPF=build/spf run.py [NAME...]

Tests are the functions of *_live.py named test_…; NAMEs choose those whose name contains one.
"""
import importlib
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import live  # noqa: E402


def refuse(why):
    def test():
        raise live.Skip(f"spf cannot capture here: {why}")
    return test


def tests(wanted, refusal):
    for file in sorted(os.listdir(HERE)):
        if not file.endswith("_live.py"):
            continue
        module = importlib.import_module(file[:-3])
        for name, test in list(vars(module).items()):
            if name.startswith("test_") and (not wanted or any(w in name for w in wanted)):
                skips = refusal and getattr(module, "NEEDS_CAPTURE", False)
                yield name[5:], refuse(refusal) if skips else test


def why_not_capture():
    """None if spf can capture here, else its own words."""
    r = live.run(live.SPF, "-q", "-t", "0.2", live.path("probe.sock"))
    return None if r.returncode == 0 else r.stderr.decode(errors="replace").strip() or str(r)


def main():
    live.setup()
    refusal = why_not_capture()
    # Where a machine must be able to capture, not to is a failure: SPF_MUST_CAPTURE=1.
    if refusal and os.environ.get("SPF_MUST_CAPTURE"):
        sys.exit(f"spf cannot capture here: {refusal}")
    return live.run_tests(tests(sys.argv[1:], refusal))


if __name__ == "__main__":
    sys.exit(main())
