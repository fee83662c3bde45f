# SPDX-License-Identifier: BSD-2-Clause
"""spf beside other people's programs: what it shows against what they report."""
import os
import re

import live

NEEDS_CAPTURE = True


def frames(records, **want):
    return [r for r in records if r["kind"] == "frame" and
            all(r.get(k) == v for k, v in want.items())]


def lost(spf):
    """How many bytes spf says that it lost."""
    m = re.search(r"([\d,]+) bytes? .*lost", spf.err())
    return m and m[1] != "0"


def test_curl_paths_statuses_and_bodies():
    peer = live.Nghttpx()
    body = os.urandom(100_000)
    with open(os.path.join(peer.root, "body"), "wb") as f:
        f.write(body)
    spf = live.Spf("-j", peer.socket)
    wants = [("/body?n=1", 200, len(body)), ("/missing", 404, None), ("/body?n=2", 200, len(body))]
    for target, status, size in wants:
        r = live.run("curl", "-s", "--http2-prior-knowledge", "--unix-socket", peer.socket,
                     "-o", live.path("curl.out"), "-w", "%{http_code} %{size_download}",
                     "http://localhost" + target)
        code, got = r.stdout.decode().split()
        assert int(code) == status and (size is None or int(got) == size), r
    peer.stop()
    records = spf.records()
    requests = [r for r in frames(records, type="HEADERS") if r["from"] == "client"]
    assert [r["path"] for r in requests] == [w[0] for w in wants], requests
    assert all(r["comm"] == "curl" and r["complete"] for r in requests), requests
    answers = [r for r in frames(records, type="HEADERS") if r.get("status")]
    assert [(r["path"], r["status"]) for r in answers] == [w[:2] for w in wants], answers
    for target, _, size in wants:
        data = [r for r in frames(records, type="DATA", path=target) if r["from"] == "server"]
        if size is not None:
            assert sum(r["data_length"] for r in data) == size, data
        assert data[-1]["end_stream"], data


def test_h2load_of_ten_thousand_requests():
    peer = live.Nghttpx()
    with open(os.path.join(peer.root, "small"), "w") as f:
        f.write("hello\n")
    spf = live.Spf("-v", "-f", "type == 'HEADERS'", "-F", "from,status,trailers,path", "-T", "tsv",
                   peer.socket)
    r = live.run("h2load", "-n", "10000", "-c", "10", "-m", "10", "--base-uri=unix:" + peer.socket,
                 "http://localhost/small")
    assert b"10000 succeeded" in r.stdout, r
    peer.stop()
    rows = [line.split("\t") for line in spf.finish().decode().splitlines()[1:]]
    requests = [r for r in rows if r[0] == "client"]
    answers = [r for r in rows if r[0] == "server" and r[2] == "false"]
    if (len(requests), len(answers)) != (10000, 10000):
        assert lost(spf), f"{len(requests)} requests, {len(answers)} responses, and no loss told"
        raise live.Skip(f"{len(requests)} requests, {len(answers)} responses seen; spf told so")
    assert {r[3] for r in requests} == {"/small"}, sorted({r[3] for r in requests})
    assert {r[1] for r in answers} == {"200"}


def demo():
    """The shop of examples/demo; returns its socket and what makes the calls."""
    sock = live.path("shop.sock")
    here = os.path.join(live.ROOT, "examples/demo")
    env = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    live.start(os.path.join(here, "server.py"), sock, env=env)
    live.until(lambda: os.path.exists(sock) and live.can_connect(sock), "the shop is open")

    def client(rounds=8):
        r = live.run(os.path.join(here, "client.py"), sock, str(rounds), env=env)
        assert r.returncode == 0, r
        rows = [line.split() for line in r.stdout.decode().splitlines()]
        return {method: (int(n), int(errors)) for method, n, errors in rows}
    return sock, client


def test_grpc_calls_by_method():
    sock, client = demo()
    spf = live.Spf("-j", "-k", "call", sock)
    want = client()
    calls = spf.records()
    for method, (n, errors) in want.items():
        mine = [c for c in calls if c.get("rpc_method") == method]
        failed = [c for c in mine if c["failed"]]
        assert (len(mine), len(failed)) == (n, errors), (method, n, errors, mine)
    assert len(calls) == sum(n for n, _ in want.values()), len(calls)
    gold = [c for c in calls if c.get("grpc_status") == 5]
    assert gold and all(c["grpc_message"] == "no gold in this shop" for c in gold), gold
    lists = [c for c in calls if c["rpc_method"] == "demo.Shop/ListItems"]
    assert all((c["req_messages"], c["resp_messages"]) == (1, 4) for c in lists), lists


def test_grpc_methods_prints_the_right_counts():
    sock, client = demo()
    spf = live.Spf("-s", "scripts/grpc_methods.lua", sock)
    want = client()
    rows = [line.replace(",", "").split() for line in spf.finish().decode().splitlines()]
    got = {r[0]: (int(r[1]), int(r[2])) for r in rows if r and r[0] in want}
    assert got == want, (got, want)


def test_a_server_that_comes_later_is_seen():
    sock = live.path("later.sock")
    spf = live.Spf("-j", sock)
    assert re.search("wait", spf.err()), spf.err()
    peer = live.Nghttpx("later.sock")
    r = live.run("curl", "-s", "--http2-prior-knowledge", "--unix-socket", sock,
                 "http://localhost/late")
    assert r.returncode == 0, r
    peer.stop()
    assert [f["path"] for f in frames(spf.records(), type="HEADERS") if f["from"] == "client"] == \
        ["/late"]
