#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Attacks spf's sandbox. usage: SPF=build/spf run.py [NAME...]

Tests are what the modules *_box.py list with tests(): pairs of a name and a function. NAMEs
choose those whose name contains one.
"""
import importlib
import os
import sys

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
    live.setup()
    return live.run_tests(tests(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
