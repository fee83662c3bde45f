#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the decoder over the corpora and prints a table: what, how many, how many right.

usage: run.py TOOL [PART…]      parts: hpack frames streams midstream fuzz

The decoder runs in TOOL (tool.c); here its answers are compared to what the corpora say.
Differences that are ours to argue are listed in tests/README.md and counted as argued.
"""
import glob
import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

TOOL = sys.argv[1]
PARTS = sys.argv[2:]
FAST = bool(os.environ.get("SPF_CORPORA_FAST"))
ROWS = []
FAILED = []


def tool(*args, stdin=None):
    done = subprocess.run([TOOL, *args], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"tool {' '.join(args)}: exit {done.returncode}\n{done.stderr[-3000:]}")
    return done.stdout, done.stderr


def lines(text):
    return [json.loads(x) for x in text.splitlines() if x.startswith("{")]


def jsonl(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(x) for x in f if x.strip()]


def raw(s):
    """Text of the corpora as the tool shows it: each byte one character."""
    return s if s is None else s.encode("utf-8", "surrogateescape").decode("latin-1")


def pairs(headers):
    out = []
    for h in headers:
        out += [(raw(n), raw(v)) for n, v in h.items()] if isinstance(h, dict) else [(raw(h[0]), raw(h[1]))]
    return out


def shown(headers):
    return [(n, v) for n, v, _ in headers]


def row(what, done, right, note=""):
    ROWS.append((what, done, right, note))


def expect(ok, what):
    if not ok:
        FAILED.append(what)
    return bool(ok)


# --- hpack/ ------------------------------------------------------------------------------------

# Vectors that the decoder takes although they "must fail": see tests/README.md, "Argued".
ARGUED = {
    "CHR": "characters of names and values are checked on frames (RFC 9113 §8.2.1), not in HPACK",
}

ARGUED_VALID = {
    "Robust fuzzing": "an integer with six bytes of leading zeros: refused as RFC 7541 §5.1 allows, and as nghttp2 does",
}


def check_stories(base):
    scripts, wanted = [], []
    for path in sorted(glob.glob(base + "/hpack/hpack-test-case/*/*.json")):
        script = ["new 4096"]
        for case in json.load(open(path, encoding="utf-8"))["cases"]:
            if case.get("header_table_size") not in (None, 4096) or "header_table_size" in case:
                script.append(f"limit {case['header_table_size']}")
            script.append("block " + case["wire"])
            wanted.append((path, pairs(case["headers"])))
        scripts.append("\n".join(script))
    got = lines(tool("blocks", stdin="\n".join(scripts))[0])
    right = sum(expect(g["rc"] == 0 and shown(g["headers"]) == w, f"{p}: {g['why']}")
                for g, (p, w) in zip(got, wanted))
    row("hpack-test-case: header blocks", len(wanted), right)
    done, bad = map(int, tool("stories", stdin="\n".join(scripts))[0].split())
    expect(bad == 0, f"{bad} stories differ when cut")
    row("  stories, each block cut into CONTINUATION", done, done - bad)


def check_cashpack(base):
    right = fail = argued = 0
    vectors = jsonl(base + "/hpack/cashpack/vectors.jsonl")
    for v in vectors:
        script, block = [f"new {v.get('initial_table_size', 4096)}"], ""
        if v["kind"] == "monitor":
            script.append("lose")
        for op in v["ops"]:
            if "settings_table_size" in op:
                script.append(f"limit {op['settings_table_size']}")
            else:
                block += op["wire"]
                if op["end"]:
                    script.append("block " + block)
                    block = ""
        if block:
            script.append("block " + block)
        got = lines(tool("blocks", stdin="\n".join(script))[0])
        what = f"cashpack {v['src']} {v['title']!r}"
        rejected = any(g["rc"] for g in got)
        if v["kind"] == "monitor":
            flat = [h for g in got for h in g["headers"]]
            right += expect(len(flat) == len(v["headers"]) and all(
                (u in (2, 3) if wn is None else n == raw(wn)) and
                (u in (1, 2) if wv is None else x == raw(wv))
                for (n, x, u), (wn, wv) in zip(flat, v["headers"])), what)
        elif v.get("expect_error"):
            if rejected:
                fail += 1
            elif v["expect_error"] in ARGUED:
                argued += 1
            else:
                expect(False, f"{what}: must fail ({v['expect_error']})")
        elif v["title"] in ARGUED_VALID and rejected:
            right += 1
        else:
            flat = [x for g in got for x in shown(g["headers"])]
            table = [tuple(x) for x in got[-1]["table"]] if got else []
            right += expect(not rejected and flat == pairs(v.get("headers", [])) and
                            ("dynamic_table" not in v or table == pairs(v["dynamic_table"])),
                            f"{what}: {[g['why'] for g in got]}")
    good = sum(1 for v in vectors if not v.get("expect_error"))
    row("cashpack: valid", good, right, f"{len(ARGUED_VALID)} argued")
    row("cashpack: must fail", len(vectors) - good, fail + argued, f"{fail} rejected, {argued} argued")


def check_twitter(base):
    done = right = 0
    for path in sorted(glob.glob(base + "/hpack/twitter-hpack/*.json")):
        case = json.load(open(path, encoding="utf-8"))
        script = [f"new {case.get('max_header_table_size', 4096)}"]
        script += ["block " + "".join(b["encoded"]).replace(" ", "") for b in case["header_blocks"]]
        for g, b in zip(lines(tool("blocks", stdin="\n".join(script))[0]), case["header_blocks"]):
            done += 1
            right += expect(g["rc"] == 0 and shown(g["headers"]) == pairs(b["headers"]) and
                            [tuple(x) for x in g["table"]] == pairs(b["dynamic_table"]) and
                            g["size"] == b["table_size"], f"{path}: {g['why']}")
    row("twitter-hpack: blocks, tables, sizes", done, right)


def block_of_huffman(data):
    """A literal field with an empty name whose value is the bare Huffman string."""
    n = len(data)
    if n < 127:
        return "000080"[:4] + bytes([0x80 | n]).hex() + data.hex()
    out, n = bytes([0xff]), n - 127
    while n >= 128:
        out, n = out + bytes([0x80 | n & 0x7f]), n >> 7
    return "0000" + (out + bytes([n])).hex() + data.hex()


def check_huffman(base):
    want = json.load(open(base + "/hpack/swift-nio-huffman/large_huffman.expected.json", encoding="utf-8"))
    data = open(base + "/hpack/swift-nio-huffman/large_huffman.bin", "rb").read()
    got = lines(tool("blocks", stdin="new 4096\nblock " + block_of_huffman(data))[0])[0]
    value = got["headers"][0][1].encode("latin-1") if got["headers"] else b""
    row("swift-nio-huffman: 250,877 bytes", 1,
        expect(hashlib.sha256(value).hexdigest() == want["decoded_sha256"], "swift-nio-huffman"))
    oracle = {x["file"]: x for x in jsonl(base + "/fuzz/huffman.pyhpack.jsonl")}
    done = right = 0
    for name, data in seeds(base + "/fuzz/huffman.hex.tsv"):
        want = oracle[name]
        got = lines(tool("blocks", stdin="new 4096\nblock " + block_of_huffman(data))[0])[0]
        done += 1
        right += expect((got["rc"] == 0) == want["ok"] and
                        (not want["ok"] or got["headers"][0][1].encode("latin-1").hex() == want["decoded_hex"]),
                        f"huffman seed {name}: {got}")
    row("fuzz/huffman: as python-hpack", done, right)


# --- frames/ -----------------------------------------------------------------------------------

PREFACE = "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a" "000000040000000000"


def check_frame_cases(base, tmp):
    done = right = named = bad = 0
    for path in sorted(glob.glob(base + "/frames/http2-frame-test-case/*/*.json")):
        case = json.load(open(path, encoding="utf-8"))
        with open(tmp, "w", encoding="utf-8") as f:
            f.write("C " + PREFACE + case["wire"] + "\n")
        wire = bytes.fromhex(case["wire"])
        got = [x for x in lines(tool("frames", tmp)[0]) if "type" in x][1:]
        if wire[3] in (1, 5, 9) and not wire[4] & 4 and not got:
            continue  # a header block that is not continued is given when the connection ends
        done += 1
        g = got[0] if got else {}
        head = (int.from_bytes(wire[:3], "big"), wire[3], wire[4], int.from_bytes(wire[5:9], "big") & 0x7fffffff)
        ok = (g.get("len"), g.get("type"), g.get("flags"), g.get("sid")) == head
        if case["error"]:
            bad += 1
            named += expect("why" in g, f"{path}: violation not named")
        else:
            p = case["frame"]["frame_payload"]
            if p.get("padding_length") is not None:
                ok &= g["pad"] == p["padding_length"]
            for key, mine in (("stream_dependency", "dep"), ("weight", "weight"), ("error_code", "error"),
                              ("last_stream_id", "last_sid"), ("window_size_increment", "incr"),
                              ("promised_stream_id", "promised")):
                if p.get(key) is not None:
                    ok &= g[mine] == p[key]
        right += expect(ok, f"{path}: {g}")
    row("http2-frame-test-case: frames", done, right)
    row("  malformed, named", bad, named)


def same_frame(w, g, headers=True):
    ok = all(g[k] == w[k] for k in ("dir", "type", "flags", "sid", "len"))
    if headers and "headers" in w and "header block not continued" not in g.get("why", ""):  # argued
        ok = ok and "headers" in block_of(g) and len(g["headers"]) == len(w["headers"])
        ok = ok and all((u >= 2 if wn is None else n == raw(wn)) and (u in (1, 2) if wv is None else v == raw(wv))
                        for (n, v, u), (wn, wv) in zip(g["headers"], w["headers"]))
    for key, mine in (("error", "error"), ("last_sid", "last_sid"), ("incr", "incr"), ("promised", "promised"),
                      ("data_len", "data_len")):
        if key in w:
            ok = ok and g[mine] == w[key]
    if "settings" in w:
        ok = ok and g["settings"] == [list(x) for x in w["settings"]]
    if "data_sha256" in w:
        ok = ok and hashlib.sha256(bytes.fromhex(g.get("data", ""))).hexdigest() == w["data_sha256"]
    return ok


def block_of(g):
    return g if "headers" in g else {}


def by_dir(frames):
    """Frames of each direction; a block's headers are moved to the frame that begins it."""
    out = {"C": [], "S": []}
    for f in frames:
        f = dict(f)
        if f["type"] == 9 and ("headers" in f or "hpack_error" in f):
            for first in reversed(out[f["dir"]]):
                if first["type"] in (1, 5):
                    for key in ("headers", "hpack_error", "full_headers"):
                        if key in f:
                            first[key] = f.pop(key)
                    break
        out[f["dir"]].append(f)
    return out


# A CONTINUATION on a closed stream: RFC 9113 §6.10 before §5.1, see tests/README.md.
OTHER_DUTY = {"http2/5.1/10"}


def check_h2spec(base):
    cases = jsonl(base + "/frames/h2spec/cases.jsonl")
    total = right = named = wrong = duty = done = 0
    for case in cases:
        path = f"{base}/frames/h2spec/{case['file']}.chunks"
        got = [x for x in lines(tool("frames", path)[0]) if "type" in x]
        want, got_by = by_dir(jsonl(path.replace(".chunks", ".frames.jsonl"))), by_dir(got)
        for d in "CS":
            total += len(want[d])
            right += expect(len(want[d]) == len(got_by[d]) and
                            all(same_frame(w, g, "hpack_error" not in w) for w, g in zip(want[d], got_by[d])),
                            f"h2spec {case['id']} {d}: {len(got_by[d])} of {len(want[d])} frames, or others") * len(want[d])
        if case["nghttpd_goaway"] not in ([], [0]) or case["nghttpd_rst"]:
            wrong += 1
            named += expect(any("why" in g for g in got_by["C"]),
                            f"h2spec {case['id']}: {case['desc']}: not named")
        codes = re.findall(r"[A-Z]+_(?:ERROR|CLOSED)|decoding error", case["requirement"] or "")
        if codes and case["id"] not in OTHER_DUTY:
            done += 1
            code = codes[0].replace("decoding error", "COMPRESSION_ERROR")
            duty += expect(any(code in g.get("why", "") for g in got_by["C"]),
                           f"h2spec {case['id']}: {case['requirement']}: not said")
    row(f"h2spec: frames of {len(cases)} cases", total, right)
    row("  violations that nghttpd answered, named", wrong, named)
    row("  with the error that h2spec demands", done, duty, f"{len(OTHER_DUTY)} argued")


# --- streams/ ----------------------------------------------------------------------------------

def mode_of(path):
    with open(path, encoding="utf-8") as f:
        head = f.readline()
    return "late" if "kind=mid-stream" in head or "kind=server-side" in head else "frames"


def check_messages(path, got):
    """Header blocks and bodies per stream and direction."""
    done = right = 0
    for m in jsonl(path):
        frames = [g for g in got if g["sid"] == m["sid"] and g["dir"] == m["dir"]]
        blocks = [[(None if u >= 2 else n, None if u in (1, 2) else v) for n, v, u in g["headers"]]
                  for g in frames if g["type"] == 1]
        body = b"".join(bytes.fromhex(g.get("data", "")) for g in frames if g["type"] == 0)
        done += 1
        right += expect(blocks == [pairs(b) for b in m["header_blocks"] if b is not None] and len(body) == m["body_len"] and
                        hashlib.sha256(body).hexdigest() == m["body_sha256"],
                        f"{path}: stream {m['sid']} {m['dir']}")
    return done, right


def check_streams(base):
    total = right = conns = mdone = mright = 0
    for path in sorted(glob.glob(base + "/streams/*.chunks")):
        expected = path.replace(".chunks", ".frames.jsonl")
        if not os.path.exists(expected):
            continue
        conns += 1
        got = [x for x in lines(tool(mode_of(path), path)[0]) if "type" in x]
        want, got_by = by_dir(jsonl(expected)), by_dir(got)
        for d in "CS":
            total += len(want[d])
            same = sum(same_frame(w, g) for w, g in zip(want[d], got_by[d]))
            right += same
            expect(same == len(want[d]) == len(got_by[d]),
                   f"{os.path.basename(path)} {d}: {same} of {len(want[d])} frames equal, {len(got_by[d])} shown")
        messages = path.replace(".chunks", ".messages.jsonl")
        if os.path.exists(messages):
            a, b = check_messages(messages, got)
            mdone, mright = mdone + a, mright + b
    row(f"streams: frames of {conns} connections", total, right)
    row("  header blocks and bodies of messages", mdone, mright)


def spread(mode, paths):
    """One tool per file, two at a time; the sums of what they print."""
    sums = []
    with ThreadPoolExecutor(2) as pool:
        for path, (out, err) in zip(paths, pool.map(lambda p: tool(mode, p), paths)):
            for line in err.splitlines():
                FAILED.append(f"{os.path.basename(path)}: {line}")
            v = list(map(int, out.split()))
            sums = [a + b for a, b in zip(sums, v)] if sums else v
    return sums


def prior_knowledge(base):
    out = []
    for path in sorted(glob.glob(base + "/streams/*.chunks")) + sorted(glob.glob(base + "/frames/h2spec/*.chunks")):
        with open(path, encoding="utf-8") as f:
            head = f.readline()
        if "kind=prior-knowledge" in head or "h2spec" in path:
            out.append(path)
    return out


def check_cuts(base):
    done, bad = spread("cuts", prior_knowledge(base))
    expect(bad == 0, f"{bad} cuts give other frames")
    row("streams, h2spec: cut at each byte, byte by byte", done, done - bad)


def check_holes(base):
    paths = [p for p in prior_knowledge(base) if "/streams/" in p]
    runs, frames, seen, wrong, fields, known, late = spread("holes", paths)
    expect(wrong == 0, f"{wrong} wrong headers after a hole")
    row("streams: each chunk removed: wrong frames or headers 0", runs, runs if not wrong else 0,
        f"frames shown {100 * seen / frames:.1f} %, header fields known {100 * known / fields:.1f} %")
    row("  framing back within two frames", runs, runs - late)


def check_midstream(base):
    cuts = known = knowable = contradictions = frames = shown_frames = 0
    for path in sorted(glob.glob(base + "/streams/midstream/*.chunks")):
        cuts += 1
        got_by = by_dir([x for x in lines(tool("late", path)[0]) if "type" in x])
        want = by_dir(jsonl(path.replace(".chunks", ".frames.jsonl")))
        for d in "CS":
            frames += len(want[d])
            shown_frames += len(got_by[d])
            if not expect(len(want[d]) == len(got_by[d]),
                          f"{os.path.basename(path)} {d}: {len(got_by[d])} of {len(want[d])} frames"):
                continue
            for w, g in zip(want[d], got_by[d]):
                expect(same_frame(w, g, False), f"{os.path.basename(path)} {d}: frame {w}")
                if "full_headers" not in w:
                    continue
                full, some = pairs(w["full_headers"]), w["headers"]
                if not expect(len(full) == len(g["headers"]), f"{os.path.basename(path)} {d}: {g}"):
                    continue
                for (n, v, u), (fn, fv), h in zip(g["headers"], full, some):
                    wrong = (u < 2 and n != fn) or (u in (0, 3) and v != fv)
                    contradictions += wrong
                    hn, hv = (None, None) if h is None else h
                    knowable += (hn is not None) + (hv is not None)
                    known += (hn is not None and n == raw(hn)) + (hv is not None and v == raw(hv))
    expect(contradictions == 0, f"midstream: {contradictions} fields contradict what was sent")
    expect(known >= knowable, f"midstream: {known} of {knowable} knowable names and values")
    row(f"midstream: frames of {cuts} cuts", frames, shown_frames)
    row("  knowable names and values", knowable, known, f"{contradictions} contradictions")
    done, bad = spread("latecuts", sorted(glob.glob(base + "/streams/midstream/*.chunks")))
    expect(bad == 0, f"midstream: {bad} cuts give other frames")
    row("  cut at each byte, byte by byte", done, done - bad)


# --- fuzz/ -------------------------------------------------------------------------------------

def seeds(path):
    with open(path, encoding="utf-8") as f:
        for line in f:
            if not line.startswith("#"):
                p = line.rstrip("\n").split("\t")
                yield p[0], bytes.fromhex(p[4])


def check_fuzz(base):
    for name, args in (("h2-server-input", []), ("h2-client-input", ["server"])):
        out, err = tool("fuzz", f"{base}/fuzz/{name}.hex.tsv", *args)
        got = lines(out)
        end = got.pop()
        for line in err.splitlines()[:10]:
            FAILED.append(f"{name}: {line}")
        expect(end["bad"] == 0, f"{name}: {end['bad']} cuts give other frames")
        row(f"fuzz/{name}: {end['seeds']} seeds whole, bytewise, cut", end["runs"], end["runs"] - end["bad"],
            f"at most {end['rss_kib'] // 1024} MiB")
        if name == "h2-server-input":
            oracle = {x["file"]: x for x in jsonl(base + "/fuzz/h2-server-input.nghttp2.jsonl")}
            both = [(g, oracle[g["seed"]]) for g in got if oracle[g["seed"]]["preface"]]
            right = sum(expect(is_subsequence(o["frames"], g["frames"], g["cnt"]), f"seed {g['seed']}: nghttp2 saw {o['frames'][:8]}, we {g['frames'][:8]}")
                        for g, o in both)
            row("  every frame that nghttp2 accepted is shown", len(both), right)
    check_hpack_seeds(base)


def is_subsequence(want, got, cnt):
    it = iter(got)
    # nghttp2 does not report CONTINUATION, and its HEADERS have the length of the whole block
    for w in want:
        for g in it:
            if g[0] == w[0] and g[2] == w[2]:
                break
        else:
            return cnt > 64
    return True


def check_hpack_seeds(base):
    oracle = {x["file"]: x for x in jsonl(base + "/fuzz/hpack.nghttp2.jsonl")}
    done = right = 0
    names, script = [], []
    for name, data in seeds(base + "/fuzz/hpack.hex.tsv"):
        names.append(name)
        script += ["new 4096", "block " + data.hex()]
    for name, g in zip(names, lines(tool("blocks", stdin="\n".join(script))[0])):
        o = oracle[name]
        done += 1
        mine, theirs = shown(g["headers"]), [tuple(x[:2]) for x in o["headers"]]
        same = (g["rc"] == 0) == (o["err"] == 0)
        # Where both refuse the block, one may give a field more of what was before the fault.
        n = min(len(mine), len(theirs)) if o["err"] else max(len(mine), len(theirs))
        same = same and mine[:n] == theirs[:n]
        right += expect(same, f"hpack seed {name}: {g['rc']} {g['why']} {shown(g['headers'])[:6]} nghttp2 {o['err']} {pairs(o['headers'])[:6]}")
    row("fuzz/hpack: as nghttp2", done, right)


def main():
    base = os.environ.get("SPF_CORPORA")
    if not base:
        print("skip check-corpora: no corpora (SPF_CORPORA names their folder)")
        print("0 passed, 0 failed, 1 skipped")
        return 0
    tmp = TOOL + ".tmp.chunks"
    parts = {
        "hpack": [check_stories, check_cashpack, check_twitter, check_huffman],
        "frames": [lambda b: check_frame_cases(b, tmp), check_h2spec],
        "streams": [check_streams, check_cuts, check_holes],
        "midstream": [check_midstream],
        "fuzz": [check_fuzz],
    }
    for name in PARTS or parts:
        for check in parts[name]:
            check(base)
    if os.path.exists(tmp):
        os.unlink(tmp)
    print(f"{'':62} {'done':>8} {'right':>8}")
    for what, done, right, note in ROWS:
        print(f"{what:62} {done:8} {right:8}  {note}")
    for what in FAILED[:40]:
        print("FAIL", what)
    print(f"{sum(row[2] for row in ROWS)} passed, {len(FAILED)} failed")
    return 1 if FAILED else 0


sys.exit(main())
