# SPDX-License-Identifier: BSD-2-Clause
"""The account of bytes: what it must say of each way in which bytes are not decoded."""
import json
import os
import re
import signal
import socket
import threading

import live

NEEDS_CAPTURE = True

LINE = re.compile(r"(?:connection (\d+) (\S+), (.*)|(\d+) connections): accepted (\d+) = decoded (\d+)"
                  r" \+ undecoded (\d+) \+ cut (\d+) \+ lost (\d+) \+ filtered (\d+) \+ unread (\d+)(.*)")
WORDS = ("accepted", "decoded", "undecoded", "cut", "lost", "filtered", "unread")
REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"


class Account:
    """The lines of spf -v: by direction, and their sum. Each must add up."""

    def __init__(self, spf):
        self.err = spf.err()
        self.dirs, self.sum = {}, None
        for m in LINE.finditer(self.err):
            n = dict(zip(WORDS, map(int, m.groups()[4:11])))
            assert n["accepted"] == sum(n[w] for w in WORDS[1:]), m[0]
            assert not m[12], m[0]
            if m[4]:
                self.sum = n
            else:
                self.dirs.setdefault((m[2], m[3]), []).append(n)
        assert self.sum, self.err
        for w in WORDS:
            assert self.sum[w] == sum(n[w] for d in self.dirs.values() for n in d), (w, self.err)

    def of(self, addr, direction="client to server"):
        lines = self.dirs[addr, direction]
        assert len(lines) == 1, lines
        return {w: n for w, n in lines[0].items() if n}


class Pair:
    def __init__(self, name):
        self.where = live.path(name)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.where)
            listener.listen()
            self.client = socket.socket(socket.AF_UNIX)
            self.client.connect(self.where)
            self.server, _ = listener.accept()

    def close(self):
        self.client.close()
        self.server.close()


def capture(*args):
    return live.Spf("-v", *args)


def transfer(source, sink, size, piece=65536):
    """Sends size bytes and reads them."""
    def send():
        left = size
        while left:
            left -= source.send(bytes(min(left, piece)))
    t = threading.Thread(target=send)
    t.start()
    left = size
    while left:
        left -= len(sink.recv(min(left, piece)))
    t.join()


def test_account_of_what_is_decoded_and_what_is_not():
    a, b = "known.sock", "noise.sock"
    spf = capture(live.path("known.sock"), live.path("noise.sock"))
    known, noise = Pair(a), Pair(b)
    known.client.sendall(REQUEST)
    known.server.recv(1000)
    known.server.sendall(ANSWER)
    known.client.recv(1000)
    noise.client.sendall(b"\xff" * 777)
    noise.server.recv(1000)
    known.close()
    noise.close()
    spf.finish()
    n = Account(spf)
    assert n.of(known.where) == {"accepted": len(REQUEST), "decoded": len(REQUEST)}
    assert n.of(known.where, "server to client") == {"accepted": len(ANSWER), "decoded": len(ANSWER)}
    assert n.of(noise.where) == {"accepted": 777, "undecoded": 777}


def test_account_of_cuts():
    spf = capture("--snaplen", "100", live.path("cut.sock"))
    pair = Pair("cut.sock")
    for size in (50, 1000, 100_000):
        transfer(pair.client, pair.server, size, size)
    spf.finish()
    n = Account(spf).of(pair.where)
    assert n["accepted"] == 101_050 and "lost" not in n, n
    assert n["cut"] + n["undecoded"] == 101_050 and 250 <= n["undecoded"] < 2000, n
    pair.close()


def test_account_of_a_flood_and_a_ring_that_is_too_small():
    spf = capture("--ring-size", "4096", live.path("flood.sock"))
    pair = Pair("flood.sock")
    transfer(pair.client, pair.server, 30 << 20)
    transfer(pair.server, pair.client, 3 << 20, 100)
    spf.finish()
    n = Account(spf)
    to, back = n.of(pair.where), n.of(pair.where, "server to client")
    assert to["accepted"] == 30 << 20 and back["accepted"] == 3 << 20, n.err
    assert to["lost"] > 1 << 20, n.err
    assert f"{n.sum['lost']} bytes lost: the ring was full" in n.err, n.err
    assert "could not read" not in n.err and "bug" not in n.err, n.err
    pair.close()


def test_account_after_a_flood_is_decoded_again():
    spf = capture("--ring-size", "65536", "-j", "-k", "http", live.path("after.sock"))
    flood = Pair("after.sock")
    transfer(flood.client, flood.server, 30 << 20)

    def is_decoded():
        """Once what the flood left in the ring is taken."""
        os.unlink(flood.where)
        pair = Pair("after.sock")
        pair.client.sendall(REQUEST)
        pair.server.recv(1000)
        pair.server.sendall(ANSWER)
        pair.client.recv(1000)
        pair.close()
        return b'"status":200' in spf.out()
    live.until(is_decoded, "requests after the flood are decoded")
    spf.finish()
    assert Account(spf).sum["lost"] > 0
    flood.close()


def test_account_of_late_attach_and_what_waited():
    pair = Pair("waited.sock")
    pair.client.sendall(b"w" * 300)
    spf = capture(pair.where)
    pair.client.sendall(b"x" * 50)
    got = pair.server.recv(200)
    spf.finish()
    assert len(got) == 200
    assert Account(spf).of(pair.where) == {"accepted": 350, "undecoded": 200, "unread": 150}
    pair.close()


def test_account_of_a_connection_that_is_open_at_the_end():
    spf = capture(live.path("open.sock"))
    pair = Pair("open.sock")
    pair.client.sendall(b"x" * 10)
    pair.server.recv(4)
    pair.server.sendall(b"y" * 20)
    spf.finish()
    n = Account(spf)
    assert n.of(pair.where) == {"accepted": 10, "undecoded": 4, "unread": 6}
    assert n.of(pair.where, "server to client") == {"accepted": 20, "unread": 20}
    pair.close()


def test_account_of_bytes_that_a_closed_socket_had_not_read():
    spf = capture("-k", "chunk", "-T", "raw", live.path("unread.sock"))
    pair = Pair("unread.sock")
    pair.client.sendall(b"read" + b"never")
    pair.server.recv(4)
    pair.close()
    assert spf.finish() == b"readnever"
    assert Account(spf).of(pair.where) == {"accepted": 9, "undecoded": 9}


def unread_of(records):
    """{op: what the server, and the client, has not read}; the replay of a file must say the same."""
    return {r["op"]: (r.get("unread_by_server"), r.get("unread_by_client"))
            for r in records if r["kind"] == "conn" and r["op"] != "proto"}


def unread(spf, file):
    said = unread_of(spf.records())
    again = live.run(live.SPF, "-q", "-k", "conn", "-j", "-r", file)
    assert unread_of(map(json.loads, again.stdout.splitlines())) == said
    return said


def test_account_of_unread_bytes_is_in_on_conn_when_the_capture_ends():
    pair, file = Pair("later.sock"), live.path("later.pcapng")
    pair.client.sendall(b"w" * 300)
    spf = capture("-k", "conn", "-j", "-w", file, pair.where)
    live.until(lambda: b'"open"' in spf.out(), "it is found")
    pair.client.sendall(b"x" * 50)
    pair.server.recv(200)
    pair.server.sendall(b"y" * 20)
    spf.finish()
    assert unread(spf, file) == {"open": (300, 0), "close": (150, 20)}
    pair.close()


def test_account_of_unread_bytes_is_in_on_conn_when_it_closes():
    file = live.path("close.pcapng")
    spf = capture("-k", "conn", "-j", "-w", file, live.path("close.sock"))
    pair = Pair("close.sock")
    pair.client.sendall(b"read" + b"never")
    pair.server.sendall(b"read")
    pair.server.recv(4)
    pair.client.recv(4)
    pair.close()
    live.until(lambda: b'"close"' in spf.out(), "the close is seen")
    assert unread(spf, file) == {"open": (0, 0), "close": (5, 0)}


def unread_over_tcp(end):
    port, file = live.free_port(), live.path("tcp.pcapng")
    spf = capture("-k", "conn", "-j", "-w", file, f"tcp:{port}")
    with socket.create_server(("127.0.0.1", port)) as listener:
        client = socket.create_connection(("127.0.0.1", port))
        server, _ = listener.accept()
    client.sendall(b"x" * 1000)
    server.sendall(b"y" * 70)
    got = 0
    while got < 400:
        got += len(server.recv(400 - got))
    live.until(lambda: b'"open"' in spf.out(), "it is seen")
    end(spf, client, server)
    assert unread(spf, file) == {"open": (0, 0), "close": (600, 70)}


def test_account_of_unread_bytes_over_tcp_when_the_capture_ends():
    def end(spf, client, server):
        spf.finish()
        client.close()
        server.close()
    unread_over_tcp(end)


def test_account_of_unread_bytes_over_tcp_when_it_closes():
    def end(spf, client, server):
        client.close()
        server.close()
        live.until(lambda: b'"close"' in spf.out(), "the close is seen")
    unread_over_tcp(end)


def test_account_of_peers_that_are_killed():
    spf = capture(live.path("killed.sock"))
    pids = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(live.path("killed.sock"))
        listener.listen()
        for work in ("client", "server"):
            pid = os.fork()
            if pid == 0:
                if work == "client":
                    s = socket.socket(socket.AF_UNIX)
                    s.connect(live.path("killed.sock"))
                    s.sendall(b"k" * 5000)
                else:
                    s, _ = listener.accept()
                    s.recv(1000)
                    open(live.path("killed.read"), "w").close()
                signal.pause()
            pids.append(pid)
    live.until(lambda: os.path.exists(live.path("killed.read")), "it is read")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    spf.finish()
    assert Account(spf).of(live.path("killed.sock")) == {"accepted": 5000, "undecoded": 5000}


def test_account_of_what_c_left():
    spf = live.Spf("-v", "-k", "chunk", "-c", "3", live.path("enough.sock"))
    pair = Pair("enough.sock")
    for _ in range(20):
        transfer(pair.client, pair.server, 10)
    assert spf.wait() == 0
    n = Account(spf).of(pair.where)
    assert n["undecoded"] == 30 and "lost" not in n, n
    pair.close()


def worker_of(spf):
    with open(f"/proc/{spf.p.pid}/task/{spf.p.pid}/children") as f:
        return int(f.read().split()[0])


def without_its_opening(name, *options):
    """A connection that was opened, and written to, while the ring was full: (spf, pair)."""
    spf = capture("--ring-size", "65536", *options, live.path(name))
    flood = Pair(name)
    os.unlink(flood.where)
    os.kill(worker_of(spf), signal.SIGSTOP)
    transfer(flood.client, flood.server, 1 << 20)
    for _ in range(1000):  # what is left of the ring
        flood.client.sendall(b"x")
        flood.server.recv(1)
    pair = Pair(name)
    pair.client.sendall(b"orphan")
    os.kill(worker_of(spf), signal.SIGCONT)
    flood.close()
    return spf, pair


def settled(spf, what):
    live.until(lambda: what in spf.out(), "it is seen")


def test_account_of_an_orphan_without_a_writer():
    """Its OPEN did not fit the ring, nor did the report of its write; it is shown all the same."""
    spf, pair = without_its_opening("orphan.sock", "-k", "chunk", "-j")
    live.until(lambda: b"chunk" in spf.out(), "the worker goes on")
    pair.server.recv(100)
    settled(spf, b"orphan")
    pair.close()
    chunks = [r for r in spf.records() if r.get("data") == "orphan"]
    assert len(chunks) == 1 and "pid" not in chunks[0], chunks
    assert chunks[0]["reader_pid"] == os.getpid() and chunks[0]["from"] == "unknown", chunks
    n = Account(spf)
    assert re.search(r"order: .* [1-9]\d* without a known writer, 1 of unknown sockets", n.err), n.err
    assert n.dirs["?", "end 0 to end 1"][0]["undecoded"] == 6, n.err


def test_account_of_an_orphan_whose_opening_comes_later():
    spf, pair = without_its_opening("found.sock", "-k", "chunk,conn", "-j")
    live.until(lambda: b"chunk" in spf.out(), "the worker goes on")
    pair.server.recv(100)
    settled(spf, b"orphan")
    pair.client.sendall(b"more")  # announced again
    pair.server.recv(100)
    settled(spf, b"more")
    pair.close()
    records = spf.records()
    more = [r for r in records if r.get("data") == "more"]
    assert len(more) == 1 and more[0]["addr"] == pair.where and more[0]["from"] == "client", more
    n = Account(spf)
    assert 10 in [d["undecoded"] for d in n.dirs[pair.where, "client to server"]], n.err


def test_account_of_what_a_closed_peer_left():
    """Written and closed before the capture: nobody will announce it but who reads."""
    pair = Pair("left.sock")
    pair.server.sendall(b"left behind")
    pair.server.close()
    spf = capture("-k", "chunk", "-j", pair.where)
    assert pair.client.recv(100) == b"left behind"
    settled(spf, b"left")
    pair.client.close()
    chunks = [r for r in spf.records() if r["kind"] == "chunk"]
    assert [(c["data"], c["addr"], c["from"]) for c in chunks] == \
        [("left behind", pair.where, "server")], chunks
    assert ", 0 of unknown sockets" in spf.err(), spf.err()


def test_account_of_what_is_filtered_is_exact():
    """Peeks are not counted twice, and what is spliced out is counted."""
    spf = capture("-p", "1", live.path("exact.sock"))
    pair = Pair("exact.sock")
    for _ in range(3):
        pair.client.sendall(b"e" * 1000)
        pair.server.recv(500, socket.MSG_PEEK)
        pair.server.recv(300)
        pair.server.recv(700, socket.MSG_PEEK)
        r, w = os.pipe()
        left = 200
        while left:
            left -= os.splice(pair.server.fileno(), w, left)
        os.close(r)
        os.close(w)
        got = 0
        while got < 500:
            got += len(pair.server.recv(1000))
    pair.close()
    spf.finish()
    assert Account(spf).of(pair.where) == {"accepted": 3000, "filtered": 3000}


def test_account_over_tcp():
    port = live.free_port()
    spf = capture(f"tcp:{port}")
    with socket.create_server(("127.0.0.1", port)) as listener:
        client = socket.create_connection(("127.0.0.1", port))
        server, _ = listener.accept()
    client.sendall(REQUEST)
    server.recv(1000)
    server.sendall(ANSWER)
    client.recv(1000)
    transfer(server, client, 1 << 20)
    client.close()
    server.close()
    spf.finish()
    n, addr = Account(spf), f"127.0.0.1:{port}"
    assert n.of(addr) == {"accepted": len(REQUEST), "decoded": len(REQUEST)}
    back = n.of(addr, "server to client")
    assert back["accepted"] == len(ANSWER) + (1 << 20), back
    assert back["decoded"] >= len(ANSWER) and "unread" not in back, back
