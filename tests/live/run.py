#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the live tests: spf on real peers. usage: SPF=build/spf run.py [NAME...]

Tests are the functions of *_live.py named test_…; NAMEs choose those whose name contains one.
Prints "ok NAME", "FAIL NAME why", or "skip NAME why", then the counts.
"""
import importlib
import os
import sys
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import live  # noqa: E402


def tests(wanted):
    for file in sorted(os.listdir(HERE)):
        if not file.endswith("_live.py"):
            continue
        module = importlib.import_module(file[:-3])
        for name, test in list(vars(module).items()):
            if name.startswith("test_") and (not wanted or any(w in name for w in wanted)):
                yield name[5:], test, getattr(module, "NEEDS_CAPTURE", False)


def why_not_capture():
    """None if spf can capture here, else its own words."""
    r = live.run(live.SPF, "-q", "-t", "0.2", live.path("probe.sock"))
    return None if r.returncode == 0 else r.stderr.decode(errors="replace").strip() or str(r)


def main():
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    live.setup()
    refusal = why_not_capture()
    # Where a machine must be able to capture, not to is a failure: SPF_MUST_CAPTURE=1.
    if refusal and os.environ.get("SPF_MUST_CAPTURE"):
        sys.exit(f"spf cannot capture here: {refusal}")
    try:
        for name, test, needs_capture in tests(sys.argv[1:]):
            word, why = "ok", ""
            try:
                if needs_capture and refusal:
                    raise live.Skip(f"spf cannot capture here: {refusal}")
                test()
            except live.Skip as e:
                word, why = "skip", str(e)
            except Exception:
                word, why = "FAIL", traceback.format_exc()
            live.end_all()
            counts[word] += 1
            print(f"{word} {name} {why}".rstrip(), flush=True)
    finally:
        live.cleanup()
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    return counts["FAIL"] != 0


if __name__ == "__main__":
    sys.exit(main())
