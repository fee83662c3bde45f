#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Capture files: -r against what tshark made of the same capture, -w read by tshark and by spf.

Every capture of ../shared/corpora goes through four tests: equal to its expectation (HTTP/2; the
HTTP/1 ones are compared in tests/calls), replay of what -w made gives the same bytes of output,
tshark (unmodified, no options) sees the same frames in it, and cut at random places it gives the
first records of the whole. Scripts over the golden traces are cut too. allowed.txt lists
deviations with their reasons; one listed there that no longer deviates is a failure too.

usage: run.py SPF [CASE…]      CASE: part of a case's name; prints details
"""
import glob, json, os, pty, re, shutil, subprocess, sys, tempfile

SPF, ONLY = os.path.abspath(sys.argv[1]), sys.argv[2:]
CUTS, CUT_CNT = os.path.join(os.path.dirname(SPF), "tests/cuts"), 200
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TMP = tempfile.mkdtemp(prefix="spf-files.")
NAMES = {"DATA": 0, "HEADERS": 1, "PRIORITY": 2, "RST_STREAM": 3, "SETTINGS": 4, "PUSH_PROMISE": 5,
         "PING": 6, "GOAWAY": 7, "WINDOW_UPDATE": 8, "CONTINUATION": 9}
passed, failed, skipped = 0, 0, 0
seen_allowed = set()


def load_allowed():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "allowed.txt"),
              encoding="utf-8") as f:
        return dict(line.strip().split(None, 1) for line in f if line.strip() and line[0] != "#")


ALLOWED = load_allowed()


def report(name, problem):
    global passed, failed
    if name in ALLOWED:
        seen_allowed.add(name)
        problem = None if problem else "is in allowed.txt but no longer deviates"
    if problem:
        failed += 1
        print(f"FAIL {name}: {problem}")
    else:
        passed += 1


def wants(name):
    return not ONLY or any(o in name for o in ONLY)


def spf(*args):
    r = subprocess.run([SPF, "-q", *args], capture_output=True, timeout=120,
                       stdin=subprocess.DEVNULL)
    return r.returncode, r.stdout, r.stderr.decode(errors="replace")


def written(capture):
    out = os.path.join(TMP, "out.pcapng")
    rc, _, err = spf("-r", capture, "-w", out)
    assert rc == 0, err
    return out


def first_difference(got, want):
    for i, (g, w) in enumerate(zip(got, want)):
        if g != w:
            return f"item {i}: {g!r}, not {w!r}"
    if len(got) != len(want):
        return f"{len(got)} items, not {len(want)}"
    return None


# ---- frames: {direction: ([(type, flags, stream, length)], [(name, value)])} ----

def spf_frames(capture):
    """By connection and role; tshark's directions are found by matching. Until a role is known,
    frames are of "unknown": they may be the first of either."""
    out = {}
    for line in spf("-r", capture, "-k", "frame", "-j")[1].decode().splitlines():
        r = json.loads(line)
        frames, headers = out.setdefault((r["conn_id"], r["from"]), ([], []))
        frames.append((r["type_id"], r["flags"], r["stream_id"], r["length"]))
        for h in r.get("headers") or []:
            headers.append((text(h["name"], h), text(h["value"], h)))
    both = [(out[c, "unknown"][0] + v[0], out[c, "unknown"][1] + v[1])
            for (c, role), v in out.items() if role != "unknown" and (c, "unknown") in out]
    return list(out.values()) + both


def text(s, header):
    if isinstance(s, dict) or header.get("unknown"):
        return None if str(s).startswith("?") or header.get("unknown") else s
    return s


def expected_frames(path):
    out = {}
    for line in open(path, encoding="utf-8"):
        r = json.loads(line)
        if r.get("magic"):
            continue
        frames, headers = out.setdefault((r["tcp"], r["sport"]), ([], []))
        frames.append((r["type"], r["flags"], r["sid"], r["len"]))
        headers += [(n, None if n is None else v) for n, v in r.get("headers", [])]
    return list(out.values())


FIELDS = ["tcp.stream", "tcp.srcport", "http2.type", "http2.flags", "http2.streamid",
          "http2.length", "http2.header.name", "http2.header.value"]


def decode_as(capture):
    """A TCP connection keeps its ports, of which tshark takes no other than 80 for HTTP/2."""
    try:
        with open(os.path.join(os.path.dirname(capture), "INDEX.jsonl"), encoding="utf-8") as f:
            commands = [r["tshark"] for r in map(json.loads, f)
                        if r["file"] == os.path.basename(capture)]
    except OSError:
        return []
    return [a for c in commands for m in re.findall(r"-d (\S+)", c) for a in ("-d", m)]


def tshark_frames(path, *options):
    cmd = ["tshark", "-r", path, *options, "-Y", "http2", "-T", "fields", "-E", "aggregator=\x1f"]
    for f in FIELDS:
        cmd += ["-e", f]
    r = subprocess.run(cmd, capture_output=True, timeout=120)
    out = {}
    for line in r.stdout.decode(errors="replace").splitlines():
        cols = line.split("\t")
        if not cols[2]:
            continue
        frames, headers = out.setdefault((cols[0], cols[1]), ([], []))
        types, flags, sids, lens, names, values = [c.split("\x1f") if c else [] for c in cols[2:]]
        # the preface has a length and no type
        lens = lens[-len(types):]
        sids = sids[-len(types):]
        frames += [(int(t), int(f, 0), int(s), int(n))
                   for t, f, s, n in zip(types, flags, sids, lens)]
        headers += list(zip(names, values))
    return list(out.values())


def compare(got, want, with_values=True):
    """Directions match in any order; what is unknown to the other side (None) matches all."""
    for frames, headers in want:
        mine = [g for g in got if g[0] == frames]
        if not mine:
            near = max(got, default=([], []),
                       key=lambda g: len(os.path.commonprefix([g[0], frames])))
            return "frames: " + first_difference(near[0], frames)
        ok = [g for g in mine if headers_equal(g[1], headers, with_values)]
        if not ok:
            return "headers: " + str(first_difference(mine[0][1], headers))
    return None


def headers_equal(got, want, with_values):
    if len(got) != len(want):
        return False
    return all((g[0] is None or w[0] is None or g[0] == w[0]) and
               (not with_values or g[1] is None or w[1] is None or same(g[1], w[1]))
               for g, w in zip(got, want))


def same(a, b):
    """spf's JSON is UTF-8; the corpora are Latin-1; tshark's fields escape control characters."""
    return a == b or clean(a) == clean(b)


def clean(s):
    return "".join(c for c in s.encode().decode("latin-1") if " " <= c <= "~").replace("\\", "")


def is_within(frames, mine):
    """True if tshark's frames are some of those of a direction, in order."""
    def walk(all_frames):
        at = iter(all_frames)
        return all(f in at for f in frames[0])
    return any(walk(d[0]) for d in mine)


def any_unknown(capture):
    return b'"from":"unknown"' in spf("-r", capture, "-k", "frame", "-j")[1]


# ---- the tests of a capture ----

def test_expectation(name, capture):
    want = os.path.splitext(capture)[0] + ".h2.jsonl"
    if os.path.exists(want):
        report(f"expect/{name}", compare(spf_frames(capture), expected_frames(want)))


def test_replay(name, capture):
    copy = written(capture)
    kinds = ("-k", "chunk,conn,frame,message,http,call,gap", "-j")
    live, again = spf("-r", capture, *kinds), spf("-r", copy, *kinds)
    report(f"replay/{name}", None if live == again and live[0] == 0 else
           first_difference(again[1].splitlines(), live[1].splitlines()) or f"{again[0]} {again[2]}")


def test_tshark(name, capture):
    copy = written(capture)
    info = subprocess.run(["capinfos", "-c", copy], capture_output=True)
    frames = tshark_frames(copy, *decode_as(capture))
    mine = spf_frames(copy)
    if ".cut" in name: # late: tshark gives packets up whose headers it cannot know
        problem = None if frames and all(is_within(f, mine) for f in frames) else \
            f"tshark shows {frames}"
    else:
        problem = compare(mine, frames)
        if not problem and len(frames) < len(mine) and not any_unknown(copy):
            problem = f"tshark shows {len(frames)} of {len(mine)} directions"
    report(f"tshark/{name}", problem if info.returncode == 0 else "capinfos: " + info.stderr.decode())


def test_cuts(name, capture):
    r = subprocess.run([CUTS, written(capture), str(CUT_CNT)], capture_output=True, timeout=600)
    problem = r.stdout.decode(errors="replace").splitlines()[:1] or [f"exit status {r.returncode}"]
    report(f"cuts/{name}", problem[0] if r.returncode else None)


SCRIPT_TRACES = "shop", "web", "flow"
# Scripts that print as records come, with options that let them do so in one of the traces.
PRINTS_ON_THE_WAY = {
    "follow": [], "grpc_errors": [], "grpc_log": [], "grpc_messages": [],
    "h2_abuse": ["-a", "resets=3"], "h2_resets": ["-a", "log=yes"], "har": [], "http_log": [],
    "http_monitor": [], "http_slow": ["-a", "over=50us"],
}
# Those whose output begins at the end: of these a cut says nothing but that it does no harm.
PRINTS_AT_THE_END = {
    "grpc_deadlines": "a table", "grpc_latency": "histograms", "grpc_methods": "a table",
    "grpc_streams": "a screen", "grpc_top": "a screen", "h2_flow": "tables", "h2_frames": "a table",
    "h2_settings": "a table", "headers": "a table", "http_top": "a screen", "sock_top": "a screen",
}


def test_script_cuts(traces):
    scripts = sorted(glob.glob(os.path.join(ROOT, "scripts", "*.lua")))
    names = sorted(os.path.basename(s)[:-4] for s in scripts)
    report("script cuts/lists", first_difference(
        sorted([*PRINTS_ON_THE_WAY, *PRINTS_AT_THE_END]), names))
    for script, name in zip(scripts, names):
        on_the_way = name in PRINTS_ON_THE_WAY
        problem, before_end = None, 0
        for trace in traces:
            r = subprocess.run([CUTS, written(trace), str(CUT_CNT if on_the_way else CUT_CNT // 10),
                                "-q", "-s", script, *PRINTS_ON_THE_WAY.get(name, [])],
                               capture_output=True, timeout=600)
            line = (r.stdout.decode(errors="replace").splitlines() or [f"status {r.returncode}"])[0]
            if r.returncode:
                problem = f"{os.path.basename(trace)}: {line}"
            else:
                before_end += int(line.split()[0])
        if not problem and (before_end > 0) != on_the_way:
            problem = f"prints {before_end} bytes before the end: it is in the wrong list"
        report(f"script cuts/{name}", problem)


def test_scripts(name, capture):
    copy = written(capture)
    problem = None
    for script in sorted(glob.glob(os.path.join(ROOT, "scripts", "*.lua"))):
        a, b = (spf("-r", f, "-s", script) for f in (capture, copy))
        if a[:2] != b[:2]:
            problem = os.path.basename(script) + ": " + str(
                first_difference(b[1].splitlines(), a[1].splitlines()))
    report(f"scripts/{name}", problem)


# ---- a long file on a terminal ----

def on_a_terminal(*args, prints_there):
    """What the terminal of stderr, and of stdout if prints_there, gets to see."""
    master, slave = pty.openpty()
    p = subprocess.Popen([SPF, *args], stdin=subprocess.DEVNULL, stderr=slave,
                         stdout=slave if prints_there else subprocess.DEVNULL)
    os.close(slave)
    seen = b""
    try:
        while got := os.read(master, 65536):
            seen += got
    except OSError:
        pass  # how Linux says that the other end is closed
    os.close(master)
    assert p.wait(timeout=60) == 0, seen
    return seen


def test_progress():
    trace, slow = (os.path.join(TMP, n) for n in ("long.chunks", "slow.lua"))
    with open(trace, "w", encoding="utf-8") as f:
        f.write("O early=1 addr=/run/long.sock\n" + "C 00\n" * 2000)
    with open(slow, "w", encoding="utf-8") as f: # two seconds of work for a file of a few KB
        f.write("function on_chunk() for i = 1, 4e6 do end end\n"
                "function on_end() print('the end') end\n")
    clear = b"\r\x1b[K"
    status = re.compile(rb"\r\x1b\[Kspf: \d+ % of 0 MB")
    quick = on_a_terminal("-r", trace, "-k", "chunk", prints_there=False)
    report("progress/none within a second", None if clear not in quick else repr(quick))
    loud = on_a_terminal("-r", trace, "-s", slow, prints_there=True)
    rest = status.sub(b"", loud)
    report("progress/shown and cleared", None if status.search(loud) and
           rest == clear + b"the end\r\n" else repr(loud))
    quiet = on_a_terminal("-q", "-r", trace, "-s", slow, prints_there=True)
    report("progress/none with -q", None if quiet == b"the end\r\n" else repr(quiet))
    busy = on_a_terminal("-r", trace, "-s", slow, "-k", "chunk", prints_there=True)
    report("progress/none between printed lines", None if clear not in busy[200:] else
           repr(busy[:400]))


def main():
    global skipped
    corpora = os.environ.get("SPF_CORPORA")
    if not corpora:
        print("skip check-files: no corpora (SPF_CORPORA names their folder)")
        skipped += 1
    has_tshark = shutil.which("tshark") is not None
    if not has_tshark:
        print("skip: tshark is not installed")
        skipped += 1
    captures = sorted(glob.glob(f"{corpora}/pcap/*.pcap*") + glob.glob(f"{corpora}/http1/pcap/*.pcap*"))
    traces = sorted(glob.glob(os.path.join(ROOT, "tests/golden/*.chunks")))
    if corpora:
        traces += sorted(glob.glob(f"{corpora}/streams/midstream/*.chunks"))
    for capture in captures + traces:
        name = os.path.basename(capture)
        if not wants(name):
            continue
        test_expectation(name, capture)
        test_replay(name, capture)
        if has_tshark and "evader" not in name:
            test_tshark(name, capture)
        test_cuts(name, capture)
        if capture in captures[:4] or "golden" in capture:
            test_scripts(name, capture)
    if wants("script cuts"):
        test_script_cuts([os.path.join(ROOT, f"tests/golden/{t}.chunks") for t in SCRIPT_TRACES])
    if wants("progress"):
        test_progress()
    if not ONLY:
        for name in sorted(set(ALLOWED) - seen_allowed):
            report(name, "is in allowed.txt but is no case")
    shutil.rmtree(TMP)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed != 0


sys.exit(main())
