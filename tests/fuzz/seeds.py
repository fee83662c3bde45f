#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes seed files for a fuzz target from the corpora: seeds.py hpack|http2|connection DIR."""
import glob
import os
import sys

what, out = sys.argv[1:]
base = os.environ.get("SPF_CORPORA")
os.makedirs(out, exist_ok=True)


def put(name, data):
    with open(f"{out}/{name}", "wb") as f:
        f.write(data)


def tsv(name):
    for line in open(f"{base}/fuzz/{name}.hex.tsv", encoding="utf-8"):
        if not line.startswith("#"):
            p = line.rstrip("\n").split("\t")
            yield p[0], bytes.fromhex(p[4])


if base and what == "hpack":
    for seed, data in tsv("hpack"):
        put(seed, bytes([min(len(data), 191)]) + data)
elif base and what == "http2":
    for seed, data in tsv("h2-server-input"):
        if data.startswith(b"PRI "):
            put(seed, data[24:])
elif base:
    for path in glob.glob(base + "/streams/*.chunks"):
        data = b""
        for line in open(path, encoding="utf-8"):
            if line[0] in "CS" and line[1] == " ":
                piece = bytes.fromhex(line[2:].strip())
                for at in range(0, len(piece), 0x1fff):
                    part = piece[at:at + 0x1fff]
                    data += ((0x8000 if line[0] == "S" else 0) | len(part)).to_bytes(2, "big") + part
        put(os.path.basename(path), data[:65536])
