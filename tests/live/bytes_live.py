# SPDX-License-Identifier: BSD-2-Clause
"""Every byte of a write, whichever way it is written."""
import os
import random
import socket
import threading

import live

NEEDS_CAPTURE = True


class Pair:
    """A listener that reads all that one client sends."""

    def __init__(self, name):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(name)
        self.listener.listen()
        self.got = bytearray()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()
        self.client = socket.socket(socket.AF_UNIX)
        self.client.connect(name)

    def read(self):
        peer, _ = self.listener.accept()
        with peer:
            while data := peer.recv(300_000):
                self.got += data

    def close(self):
        self.client.close()
        self.thread.join()
        self.listener.close()


def arrives_whole(name, send, want, *options):
    where = name if name.startswith("\0") else live.path(name)
    pair = None
    spf = live.Spf("-k", "chunk", "-T", "raw", *options, where.replace("\0", "@"))
    try:
        pair = Pair(where)
        send(pair.client)
    finally:
        if pair:
            pair.close()
    assert bytes(pair.got) == want
    out = spf.finish()
    if out != want:
        at = next((i for i, (a, b) in enumerate(zip(out, want)) if a != b), min(len(out), len(want)))
        raise AssertionError(f"{len(out)} of {len(want)} bytes, differ at {at}: {spf.err()}")


def noise(n, seed=1):
    return random.Random(seed).randbytes(n)


def test_a_mebibyte_in_one_write():
    data = noise(1 << 20)
    arrives_whole("mib.sock", lambda s: s.sendall(data), data)


def test_a_writev_of_1024_pieces():
    pieces = [noise(i % 300, i) for i in range(1024)]
    want = b"".join(pieces)

    def send(s):
        n = os.writev(s.fileno(), pieces)
        assert n == len(want), n
    arrives_whole("iov.sock", send, want)


def test_a_datagram_of_200000_bytes():
    data, where = noise(200_000), live.path("datagram.sock")
    spf = live.Spf("-k", "chunk", "-T", "raw", where)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        server.bind(where)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 400_000)
        client.connect(where)
        client.send(data)
        assert server.recv(300_000) == data
    assert spf.finish() == data


def test_sendfile():
    data = noise(300_000)
    with open(live.path("file"), "wb+") as f:
        f.write(data)
        f.flush()
        f.seek(0)
        arrives_whole("sendfile.sock", lambda s: s.sendfile(f), data)


def test_an_abstract_socket():
    arrives_whole("\0spf-live-%d" % os.getpid(), lambda s: s.sendall(b"abstract"), b"abstract")


def test_a_name_of_107_bytes():
    name = "n" * (107 - len(live.DIR) - 1)
    assert len(live.path(name)) == 107
    arrives_whole(name, lambda s: s.sendall(b"long"), b"long")


def test_peeked_bytes_come_once():
    def send(s):
        s.sendall(b"once")
    spf = live.Spf("-k", "chunk", "-T", "raw", live.path("peek.sock"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(live.path("peek.sock"))
        listener.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(live.path("peek.sock"))
            send(client)
            peer, _ = listener.accept()
            with peer:
                assert peer.recv(100, socket.MSG_PEEK) == b"once"
                assert peer.recv(100, socket.MSG_PEEK) == b"once"
                assert peer.recv(100) == b"once"
    assert spf.finish() == b"once", spf.err()


def test_both_directions_carry_the_servers_path_and_the_writers():
    where = live.path("echo.sock")
    spf = live.Spf("-k", "chunk", "-j", where)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(where)
        listener.listen()
        client.connect(where)
        peer, _ = listener.accept()
        with peer:
            for i in range(3):
                client.sendall(b"ping")
                assert peer.recv(10) == b"ping"
                peer.sendall(b"pong!")
                assert client.recv(10) == b"pong!"
    chunks = [r for r in spf.records() if r["kind"] == "chunk"]
    assert [c["data"] for c in chunks] == ["ping", "pong!"] * 3, chunks
    assert {c["addr"] for c in chunks} == {where}
    assert {c["pid"] for c in chunks} == {os.getpid()}
    assert [c["from"] for c in chunks] == ["client", "server"] * 3, chunks
    assert [c["offset"] for c in chunks] == [0, 0, 4, 5, 8, 10], chunks
