#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Calls, messages and HTTP/1 against the corpora (see their READMEs for sources).

Each case goes through build/tests/records twice: in the pieces it comes in, and byte by byte;
both must give the same records. Every deviation from an expectation is a failure unless it is
listed in allowed.txt beside this file, with the reason; one listed there that no longer deviates
is a failure too.

usage: corpora.py RECORDS CHUNKS CORPORA [CASE…]      CASE: part of a case's name; prints details
"""
import base64, glob, hashlib, json, os, re, subprocess, sys

RECORDS, CHUNKS, CORPORA = sys.argv[1:4]
ONLY = sys.argv[4:]
HERE = os.path.dirname(os.path.abspath(__file__))
passed, failed, seen_allowed = 0, 0, set()


def load_allowed():
    with open(os.path.join(HERE, "allowed.txt"), encoding="utf-8") as f:
        rows = [l.split(None, 1) for l in f if l.strip() and not l.startswith("#")]
    return {name: why.strip() for name, why in rows}


ALLOWED = load_allowed()


def report(name, problems):
    global passed, failed
    if ONLY and not any(o in name for o in ONLY):
        return
    if name in ALLOWED:
        seen_allowed.add(name)
        if problems:
            passed += 1
            if ONLY:
                print(f"allowed {name}: {ALLOWED[name]}", *problems, sep="\n    ")
            return
        problems = ["is in allowed.txt but no longer deviates"]
    if not problems:
        passed += 1
        return
    failed += 1
    print(f"not ok {name}", *problems[:6 if not ONLY else 99], sep="\n    ")


def raw(v):
    """A string of the JSON as the bytes that it stands for."""
    if isinstance(v, dict):
        return base64.b64decode(v["$base64"])
    return (v or "").encode("utf-8")


def latin(text):
    """Bytes that the corpora write as U+0000..U+00FF."""
    return text.encode("latin-1")


def run(lines, *options):
    p = subprocess.run([RECORDS, *options], input="\n".join(lines) + "\n", text=True,
                       capture_output=True, check=False)
    if p.returncode:
        raise RuntimeError(f"records: exit {p.returncode}: {p.stderr.strip()}")
    return p.stdout


def decode(lines, late=False):
    """The records, and the problem if single bytes give others than whole pieces do."""
    options = ["-l"] if late else []
    whole = join_bodies(run(lines, *options))
    bytewise = join_bodies(run(lines, "-s", "1", *options))
    a, b = without_order(whole), without_order(bytewise)
    problems = [] if a == b else ["byte by byte gives other records"] + \
        [f"- {l[:300]}" for l in a if l not in b] + [f"+ {l[:300]}" for l in b if l not in a]
    return whole, problems


def join_bodies(text):
    """Records with the body of each HTTP/1 message in one, however many writes brought it."""
    records, more = [], {}
    for r in map(json.loads, text.splitlines()):
        sender = (r["conn_id"], r["from"])
        if r["kind"] == "http" and r["what"] == "body":
            head = more.pop(sender)
            body = raw(head.get("body")) + raw(r.get("body"))
            try:
                head["body"] = body.decode()
            except UnicodeDecodeError:
                head["body"] = {"$base64": base64.b64encode(body).decode()}
            head["body_length"] += r["body_length"]
            head["body_complete"] = r["body_complete"]
            head.update((k, r[k]) for k in ("trailer_fields", "violation") if k in r and k not in head)
        else:
            head = r
            records.append(r)
        if r.pop("more", False):
            more[sender] = head
    assert not more, more
    return records


def without_order(records):
    """Records of both directions may come in another order, and detection at another byte."""
    return sorted(json.dumps({k: v for k, v in r.items() if k != "seq"}, sort_keys=True) for r in records
                  if "op" not in r)


def check(problems, what, got, want):
    if got != want:
        problems.append(f"{what}: got {str(got)[:300]}, want {str(want)[:300]}")


def sha(data):
    return hashlib.sha256(data).hexdigest()


def pairs(headers):
    return [[raw(h["name"]), raw(h["value"])] for h in headers or []]


def latin_pairs(headers):
    return [[latin(n), latin(v)] for n, v in headers]


def stream(path):
    with open(path, encoding="latin-1") as f:
        head = f.readline()
        return [l.rstrip("\n") for l in f], re.search(r"kind=(\S+)", head).group(1)


# grpc/calls.jsonl ---------------------------------------------------------------------------

def check_messages(problems, what, got, want):
    check(problems, f"{what} messages",
          [(m["compressed"], m["length"], sha(raw(m["raw"]))) for m in got if m["complete"]],
          [(bool(m["compressed"]), m["len"], m["sha256"]) for m in want])


def check_call(problems, records, want):
    mine = [r for r in records if r.get("stream_id") == want["sid"]]
    calls = [r for r in mine if r["kind"] == "call"]
    if len(calls) != 1:
        problems.append(f"{len(calls)} calls on stream {want['sid']}")
        return
    call = calls[0]
    if want["request_headers"]:
        check(problems, "path", raw(call.get("path")), latin(want["path"]))
        check(problems, "request headers", pairs(call["request"].get("headers")),
              latin_pairs(want["request_headers"]))
    status = want["grpc_status"]
    check(problems, "grpc_status", call.get("grpc_status"), int(status) if status else None)
    if want["grpc_message"] is not None:
        check(problems, "grpc_message", raw(call.get("grpc_message")), latin(want["grpc_message"]))
    for side, who in ("request", "client"), ("response", "server"):
        got = [r for r in mine if r["kind"] == "message" and r["from"] == who]
        check_messages(problems, side, got, want[f"{side}_messages"])
        counted = call["req_messages" if who == "client" else "resp_messages"]
        check(problems, f"{side} message count", counted, len(want[f"{side}_messages"]))
    blocks = [pairs(call.get("response", {}).get(k)) for k in ("headers", "trailers")]
    check(problems, "response blocks", [b for b in blocks if b],
          [latin_pairs(b) for b in want["response_header_blocks"] if b[0][1][:1] != "1"])


def grpc():
    by_file = {}
    with open(f"{CORPORA}/grpc/calls.jsonl", encoding="utf-8") as f:
        for l in f:
            want = json.loads(l)
            by_file.setdefault(want["stream_file"], []).append(want)
    for name, wants in sorted(by_file.items()):
        lines, kind = stream(f"{CORPORA}/streams/{name}")
        records, split = decode(lines, late=kind == "mid-stream")
        for want in wants:
            problems = list(split)
            check_call(problems, records, want)
            report(f"grpc/{name}/{want['sid']}", problems)


# streams/*.messages.jsonl: every HTTP/2 exchange ----------------------------------------------

def check_stream(problems, call, want):
    side, key = ("request", "req") if want["dir"] == "C" else ("response", "resp")
    blocks = [pairs(call.get(side, {}).get(k)) for k in ("headers", "trailers")]
    wanted = [latin_pairs(b) for b in want["header_blocks"] if b[0] != [":status", "100"]]
    check(problems, f"{want['sid']}{want['dir']} blocks", [b for b in blocks if b], wanted)
    check(problems, f"{want['sid']}{want['dir']} body", call[f"{key}_bytes"], want["body_len"])
    if want.get("rst") is not None and call["outcome"] == "reset" and want["rst"]:
        check(problems, "outcome", call.get("error") is not None, True)


def streams():
    for path in sorted(glob.glob(f"{CORPORA}/streams/*.messages.jsonl")):
        name = os.path.basename(path)[:-len(".messages.jsonl")]
        lines, kind = stream(f"{CORPORA}/streams/{name}.chunks")
        records, problems = decode(lines, late=kind == "mid-stream")
        calls = {r["stream_id"]: r for r in records if r["kind"] == "call" and "stream_id" in r}
        if kind == "mid-stream":  # what is known of headers is checked in midstream()
            report(f"streams/{name}", problems)
            continue
        with open(path, encoding="utf-8") as f:
            wants = [json.loads(l) for l in f]
        for want in wants:
            if want["sid"] not in calls:
                problems.append(f"no call on stream {want['sid']}")
                continue
            if want["sid"] == 1 and want["dir"] == "C" and not want["header_blocks"]:
                continue
            if not (want["sid"] == 1 and kind == "upgrade" and want["dir"] == "C"):
                check_stream(problems, calls[want["sid"]], want)
        for sid in calls.keys() - {w["sid"] for w in wants}:
            problems.append(f"a call on stream {sid} that is not there")
        report(f"streams/{name}", problems)


def midstream():
    """Attached late: less may be known, but nothing that contradicts what was sent."""
    for path in sorted(glob.glob(f"{CORPORA}/streams/midstream/*.chunks")):
        name = os.path.basename(path)[:-len(".chunks")]
        base = name.rsplit(".cut", 1)[0]
        lines, _ = stream(path)
        records, problems = decode(lines, late=True)
        full = {}
        with open(f"{CORPORA}/streams/{base}.messages.jsonl", encoding="utf-8") as f:
            for l in f:
                want = json.loads(l)
                full[want["sid"], want["dir"]] = want
        for r in records:
            check_late(problems, r, full)
        report(f"midstream/{name}", problems)


def known(headers):
    return {(raw(h["name"]), raw(h["value"])) for h in headers or [] if not h.get("unknown")}


def check_late(problems, r, full):
    sid = r.get("stream_id")
    if r["kind"] == "message":
        want = full.get((sid, "C" if r["from"] == "client" else "S"), {})
        shas = [m["sha256"] for m in want.get("grpc_messages", [])]
        if r["complete"] and sha(raw(r["raw"])) not in shas:
            problems.append(f"message that was not sent: {str(r)[:200]}")
    if r["kind"] != "call" or sid is None:
        return
    for side, d in ("request", "C"), ("response", "S"):
        sent = {tuple(p) for b in full.get((sid, d), {}).get("header_blocks", [])
                for p in latin_pairs(b)}
        for part in "headers", "trailers":
            for n, v in known(r.get(side, {}).get(part)):
                if (n, v) not in sent and not n.startswith(b"?") and not v.startswith(b"?"):
                    problems.append(f"stream {sid} {side}: {n} {v} was not sent")
    sent = dict(map(tuple, (p for b in full.get((sid, "C"), {}).get("header_blocks", [])
                            for p in latin_pairs(b))))
    path = raw(r.get("path"))
    if path and not path.startswith(b"?") and path != sent.get(b":path"):
        problems.append(f"stream {sid}: path {path} was {sent.get(b':path')}")


# http1/ ---------------------------------------------------------------------------------------

def http1_records(data, response):
    return decode([f"{'S' if response else 'C'} {data.hex()}"])


SPAN = re.compile(r'off=(\d+) len=\d+ span\[(\w+)\]="(.*)"$', re.S)


def unescape(text):
    """llhttp's log escapes control bytes, but no quotes."""
    return re.sub(rb"\\x([0-9a-f]{2})|\\([nrtfv0])",
                  lambda m: bytes([int(m[1], 16)]) if m[1] else
                  {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"f": b"\f", b"v": b"\v"}
                  .get(m[2], b"\0"), latin(text))


def llhttp_spans(log):
    """Joins spans of one kind; a piece ends at its 'complete' or at another kind."""
    for l in log:
        m = SPAN.match(l)
        end = re.match(r"off=\d+ len=1 span\[(\w+)\]=(cr|lf|tab)$", l)
        if m:
            yield m[2], unescape(m[3])
        elif end:
            yield end[1], {"cr": b"\r", "lf": b"\n", "tab": b"\t"}[end[2]]
        else:
            yield "event", l.split(" ", 1)[1].split(" skip")[0]


def llhttp_messages(log):
    """Messages that llhttp took to their end, and whether it then met an error."""
    out, m, last = [], None, None
    for kind, value in llhttp_spans(log):
        if kind == "event":
            last = None
            if value == "message begin":
                m = {"fields": [], "body": b"", "whole": False}
            elif value == "message complete" and m is not None:
                m["whole"] = True
                out.append(m)
            elif value.startswith("headers complete"):
                m["headed"] = True
            elif value.startswith("error"):
                return out, value
            continue
        if kind == "header_field":
            if last == kind:
                m["fields"][-1][0] += value
            else:
                m["fields"].append([value, b""])
        elif kind == "header_value":
            m["fields"][-1][1] += value
        elif kind == "body":
            m["body"] += value
        else:
            m[kind] = m.get(kind, b"") + value
        last = kind
    if m is not None and not m["whole"] and m.get("headed"):
        out.append(m)
    return out, None


def squeeze(value):
    return re.sub(rb"\s+", b" ", value).strip()


def check_http1(problems, i, got, want):
    if got["what"] == "request":
        check(problems, f"{i} method", raw(got.get("method")), want["method"])
        # the whole target is authority + path where it was in absolute form
        target = raw(got.get("path"))
        bare = re.fullmatch(rb"\w+://[^/?#]*", want["url"])
        check(problems, f"{i} target", want["url"].endswith(target) or bool(bare and target == b"/"), True)
    else:
        check(problems, f"{i} reason", raw(got.get("reason")), want.get("status", b""))
    check(problems, f"{i} version", raw(got.get("version")), want.get("version", b""))
    both = pairs(got.get("headers")) + pairs(got.get("trailer_fields"))
    check(problems, f"{i} fields", [[n, squeeze(v)] for n, v in both],
          [[n, squeeze(v)] for n, v in want["fields"]])
    check(problems, f"{i} body", raw(got.get("body")), want["body"])


def llhttp():
    with open(f"{CORPORA}/http1/llhttp.jsonl", encoding="utf-8") as f:
        for n, l in enumerate(f):
            case = json.loads(l)
            if set(case["meta"]) - {"type"}:  # parser options of llhttp
                continue
            data = bytes.fromhex(case["input_hex"])
            # The corpus lost the last empty line of some inputs: the log goes on past their end.
            if max((int(o) for o in re.findall(r"off=(\d+)", str(case["log"])))) > len(data):
                data += b"\r\n"
            records, problems = http1_records(data, case["type"].startswith("response"))
            want, error = llhttp_messages(case["log"])
            got = [r for r in records if r["kind"] == "http"]
            if len(got) < len(want) or (not error and len(got) != len(want)):
                problems.append(f"{len(got)} messages, want {len(want)}; error: {error}")
            for i, (g, w) in enumerate(zip(got, want)):
                check_http1(problems, i, g, w)
            report(f"llhttp/{n}:{case['src']}:{case['title'].replace(' ', '_')}", problems)


def gunicorn():
    with open(f"{CORPORA}/http1/gunicorn.jsonl", encoding="utf-8") as f:
        for l in f:
            case = json.loads(l)
            if case["gunicorn_cfg"]:
                continue
            records, problems = http1_records(bytes.fromhex(case["input_hex"]), False)
            got = [r for r in records if r["kind"] == "http"]
            gaps = [r for r in records if r["kind"] == "gap"]
            if case["expect"] == "ok":
                check_gunicorn(problems, got, case["requests"])
            elif got and not gaps and not any(r.get("violation") or not r["body_complete"]
                                              for r in got):
                problems.append(f"{case['gunicorn_error']} goes unnamed")
            report(f"gunicorn/{case['src']}", problems)


def check_gunicorn(problems, got, wants):
    check(problems, "messages", len(got), len(wants))
    for i, (g, w) in enumerate(zip(got, wants)):
        uri = w["uri"]["raw"] if isinstance(w["uri"], dict) else w["uri"]
        check(problems, f"{i} method", raw(g["method"]), latin(w["method"]))
        check(problems, f"{i} uri", latin(uri).endswith(raw(g["path"])), True)
        check(problems, f"{i} headers",
              [[n.upper(), squeeze(v)] for n, v in pairs(g.get("headers"))],
              [[latin(n), squeeze(latin(v))] for n, v in w["headers"]])
        body = w["body"] if isinstance(w["body"], str) else ""
        check(problems, f"{i} body", raw(g["body"]), latin(body))


def libhtp_lines(path):
    """Blocks of >>> and <<<; the line break before a marker is not data."""
    with open(path, "rb") as f:
        data = f.read()
    parts = re.split(rb"^(>>>|<<<)[^\n]*\n", data, flags=re.M)[1:]
    for mark, block in zip(parts[::2], parts[1::2]):
        last = block is parts[-1]
        block = block if last else re.sub(rb"\r?\n\Z", b"", block)
        if block:
            yield f"{'C' if mark == b'>>>' else 'S'} {block.hex()}"


def libhtp():
    with open(f"{CORPORA}/http1/libhtp.node-llhttp.jsonl", encoding="utf-8") as f:
        wants = {w["file"]: w for w in map(json.loads, f)}
    for path in sorted(glob.glob(f"{CORPORA}/http1/libhtp/*")):
        name = os.path.basename(path)
        records, problems = decode(list(libhtp_lines(path)))
        for what, who in ("request", "client"), ("response", "server"):
            want = wants.get(name, {}).get(what, {"messages": [], "error": {"reason": "none"}})
            got = [r for r in records if r["kind"] == "http" and r["what"] == what]
            check_libhtp(problems, what, got, want)
        report(f"libhtp/{name}", problems)


def check_libhtp(problems, what, got, want):
    """Node is strict: what it accepted is compared, what it refused need not be."""
    whole = [m for m in want["messages"] if m["complete"] or not want["error"]]
    if len(got) < len(whole):
        problems.append(f"{len(got)} {what}s, node has {len(whole)}")
    for i, (g, w) in enumerate(zip(got, whole)):
        fields = pairs(g.get("headers"))
        check(problems, f"{what} {i} headers", [x for p in fields for x in (p[0], squeeze(p[1]))],
              [squeeze(x.encode("latin-1")) for x in w["headers"]])
        check(problems, f"{what} {i} body", g["body_length"], w["body_len"])
        if what == "response":
            check(problems, f"{what} {i} status", g["status"], w["status"])


def pcap():
    for path in sorted(glob.glob(f"{CORPORA}/http1/pcap/*.http1.jsonl")):
        name = os.path.basename(path)[:-len(".http1.jsonl")]
        capture = [p for p in glob.glob(f"{CORPORA}/http1/pcap/{glob.escape(name)}.pcap*")]
        with open(path, encoding="utf-8") as f:
            wants = [json.loads(l) for l in f]
        problems, got = [], []
        for lines in connections(capture[0]):
            records, split = decode(lines)
            problems += split
            got += [r for r in records if r["kind"] == "http"]
        check_pcap(problems, got, wants)
        report(f"pcap/{name}", problems)


def connections(capture):
    """The connections of a capture as lines for records; the client is who sent first."""
    text = subprocess.run([CHUNKS, capture], text=True, capture_output=True, check=True).stdout
    conns = {}
    for l in text.splitlines():
        words = l.split()
        if len(words) < 2 or words[0] not in ("C", "S", "A", "B", "?"):
            continue
        conn = re.search(r" conn=(\d+)", l)
        lines = conns.setdefault(conn[1] if conn else "1", [])
        if words[0] == "?":
            lines.append(f"? {'C' if words[1] in 'CA' else 'S'} {words[2]}")
        else:
            lines.append(f"{'C' if words[0] in 'CA' else 'S'} {words[1]}")
    return list(conns.values())


def key_of(record):
    """A message as tshark names it, for comparing without regard to order."""
    fields = tuple((n.rstrip(), squeeze(v)) for n, v in pairs(record.get("headers")))
    first = (raw(record.get("method")),) if record["what"] == "request" else (record["status"],)
    return record["what"], first, fields


def want_key(w):
    fields = []
    for line in w.get("header_lines", []):
        n, _, v = latin_or_utf8(line).partition(b":")
        fields.append((n.rstrip(), squeeze(v)))
    first = (latin_or_utf8(w["method"]),) if w["kind"] == "request" else (w["code"],)
    return w["kind"], first, tuple(fields)


def latin_or_utf8(text):
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def check_pcap(problems, got, wants):
    left = list(got)
    for w in wants:
        key = want_key(w)
        match = next((g for g in left if key_of(g) == key and
                      g["body_length"] == w.get("body_len", 0)), None)
        match = match or next((g for g in left if key_of(g) == key), None)
        if not match:
            problems.append(f"missing: {str(w)[:300]}")
            continue
        left.remove(match)
        if w.get("body_len") and match["body_complete"]:
            check(problems, f"body of {w['pkt']}", match["body_length"], w["body_len"])
    for g in left:
        if g["what"] == "request" or g["body_complete"]:
            problems.append(f"tshark has none: {str(key_of(g))[:300]}")


def main():
    if not os.path.isdir(CORPORA):
        print("skip check-calls: no corpora (SPF_CORPORA names their folder)\n0 passed, 0 failed, 1 skipped")
        return 0
    for part in (grpc, streams, midstream, llhttp, gunicorn, libhtp, pcap):
        before = passed + failed
        try:
            part()
        except RuntimeError as e:
            report(part.__name__, [str(e)])
        print(f"{part.__name__}: {passed + failed - before} cases")
    for name in ALLOWED.keys() - seen_allowed:
        if not ONLY:
            report(name, ["is in allowed.txt but is no case"])
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
