#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Attacks spf's sandbox. usage: SPF=build/spf run.py [NAME...]

Tests are what the modules *_box.py list with tests(): pairs of a name and a function. NAMEs
choose those whose name contains one. Prints "ok NAME", "FAIL NAME why" or "skip NAME why",
then the counts.
"""
import importlib
import os
import sys
import traceback

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "live")]

import live  # noqa: E402


def tests(wanted):
    for file in sorted(os.listdir(HERE)):
        if file.endswith("_box.py"):
            for name, test in importlib.import_module(file[:-3]).tests():
                if not wanted or any(w in name for w in wanted):
                    yield name, test


def main():
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    live.setup()
    try:
        for name, test in tests(sys.argv[1:]):
            word, why = "ok", ""
            try:
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
