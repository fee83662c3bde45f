# SPDX-License-Identifier: BSD-2-Clause
"""TCP: within this machine, with another one, between network namespaces."""
import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
import time

import live
from machine import Machine

NEEDS_CAPTURE = True


def chunks(records, kind="chunk"):
    return [r for r in records if r["kind"] == kind]


def brief(records):
    """For messages: without the bytes."""
    return [{k: v for k, v in r.items() if k != "data"} for r in records][:30]


def stream(records, sender):
    """The bytes of a direction, each at its offset, none missing and none twice."""
    out = b""
    for c in chunks(records):
        if c["from"] == sender:
            assert c["offset"] == len(out), (c, len(out))
            out += c["data"].encode("latin-1") if isinstance(c["data"], str) else bytes(c["data"])
            assert len(out) == c["offset"] + c["length"], c
    return out


def letters(n, seed):
    return bytes(random.Random(seed).choices(b"abcdefghijklmnopqrstuvwxyz\n", k=n))


def balances(spf):
    assert "DOES NOT ADD UP" not in spf.err(), spf.err()
    assert " + lost 0 + filtered 0 + unread 0" in spf.err(), spf.err()


def read_all(s, n):
    got = b""
    while len(got) < n:
        data = s.recv(n - len(got))
        assert data, len(got)
        got += data
    return got


def test_an_address_before_the_port_means_only_that_one():
    """Listeners on 127.0.0.1 and ::1, at the same port; 0.0.0.0 and :: mean both."""
    with socket.create_server(("127.0.0.1", 0)) as v4:
        port = v4.getsockname()[1]
        try:
            v6 = socket.create_server(("::1", port), family=socket.AF_INET6)
        except OSError as e:
            raise live.Skip(f"no IPv6 here: {e}")
        a4, a6 = f"127.0.0.1:{port}", f"[::1]:{port}"
        with v6:
            for target, addrs in ((f"tcp:{a4}", [a4]), (f"tcp:{a6}", [a6]), (a6, [a6]), (f"tcp:{port}", [a4, a6]),
                                  (f"tcp:[::]:{port}", [a4, a6]), (f"tcp:0.0.0.0:{port}", [a4, a6])):
                spf = live.Spf("-k", "chunk", "-j", target)
                for listener, host in ((v4, "127.0.0.1"), (v6, "::1")):
                    with socket.create_connection((host, port)) as client, listener.accept()[0] as peer:
                        client.sendall(b"x")
                        assert peer.recv(100) == b"x"
                found = [c["addr"] for c in chunks(spf.records())]
                assert found == addrs, (target, found)


def test_tcp_bytes_know_when_they_were_read():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        spf = live.Spf("-k", "chunk", "-j", f"tcp:{port}", "--window", "1s")
        with socket.create_connection(("127.0.0.1", port)) as client:
            peer, _ = listener.accept()
            with peer:
                for _ in range(5):
                    client.sendall(b"question")
                    time.sleep(0.05)
                    assert peer.recv(100) == b"question"
                    peer.sendall(b"answer")
                    assert client.recv(100) == b"answer"
    found = chunks(spf.records())
    assert [c["from"] for c in found] == ["client", "server"] * 5, brief(found)
    for c in found:
        assert c["reader_pid"] == os.getpid(), c
        assert c["read_ts"] >= c["ts"], c
    assert all(c["queue_us"] >= 50_000 for c in found[::2]), brief(found)
    assert min(c["queue_us"] for c in found[1::2]) < 25_000, brief(found)


def test_tcp_bytes_that_nobody_reads_are_shown_all_the_same():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        spf = live.Spf("-k", "chunk", "-j", f"tcp:{port}")
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"lonely")
            live.until(lambda: b"lonely" in spf.out(), "the bytes are shown")
    found = chunks(spf.records())
    assert found[0]["data"] == "lonely" and "queue_us" not in found[0], brief(found)


def test_what_another_machine_answers():
    answer = letters(60_000, 1)
    with Machine() as far:
        spf = live.Spf("-v", "-k", "chunk", "-j", f"{far.addr}:80")
        with socket.create_connection((far.addr, 80), live.PATIENCE) as client:
            client.sendall(b"question")
            c = live.until(lambda: far.accepted and far.accepted[0], "it is connected")
            live.until(lambda: c.got == b"question", "the question came")
            # Out of order, twice, overlapping.
            for at in (0, 1000, 3000, 4000, 2000, 3500, 0, 5000):
                c.send(answer[at:at + 1000], at)
            for at in range(6000, len(answer), 1400):
                c.send(answer[at:at + 1400], at)
            assert read_all(client, len(answer)) == answer
        c.close()
        records = spf.records()
    assert stream(records, "client") == b"question", brief(records)
    assert stream(records, "server") == answer
    for r in chunks(records):
        who = r["pid"] if r["from"] == "client" else r["reader_pid"]
        assert who == os.getpid() and r["addr"] == f"{far.addr}:80", r
        assert "queue_us" not in r, r  # when it came or was read there, nobody here knows
    balances(spf)


def test_what_another_machine_asks():
    question = letters(30_000, 2)
    with Machine() as far, socket.create_server((far.own_addr, 0)) as listener:
        port = listener.getsockname()[1]
        spf = live.Spf("-v", "-k", "chunk", "-j", f"tcp:{port}")
        c = far.connect(port)
        peer, _ = listener.accept()
        with peer:
            for at in range(0, len(question), 1400):
                c.send(question[at:at + 1400], at)
            assert peer.recv(500, socket.MSG_PEEK) == question[:500]
            assert read_all(peer, len(question)) == question
            peer.sendall(b"answer")
            live.until(lambda: c.got == b"answer", "the answer came")
        c.close()
        records = spf.records()
    assert stream(records, "client") == question
    assert stream(records, "server") == b"answer"
    assert {r.get("reader_pid") for r in chunks(records) if r["from"] == "client"} == {os.getpid()}
    balances(spf)


@contextlib.contextmanager
def namespaces():
    """Two network namespaces with a wire between them: their names and addresses."""
    ip = live.program("ip")
    names = [f"spf{os.getpid()}{side}" for side in "ab"]
    addrs = ["10.214.0.1", "10.214.0.2"]

    def run(*command):
        r = live.run(ip, *command)
        assert r.returncode == 0, (command, r.stderr)
    try:
        for name in names:
            if live.run(ip, "netns", "add", name).returncode:
                raise live.Skip("ip netns add is refused")
        run("link", "add", "wire", "netns", names[0], "type", "veth", "peer", "name", "wire",
            "netns", names[1])
        for name, addr in zip(names, addrs):
            run("-n", name, "addr", "add", f"{addr}/24", "dev", "wire")
            run("-n", name, "link", "set", "wire", "up")
            run("-n", name, "link", "set", "lo", "up")
        yield names, addrs
    finally:
        for name in names:
            live.run(ip, "netns", "del", name)


PEER = """
import socket, sys
what, addr, port, ask, answer = sys.argv[1:]
def take(s, n):
    while n:
        n -= len(s.recv(n))
if what == "server":
    s = socket.create_server((addr, int(port)))
    print("ready", flush=True)
    c, _ = s.accept()
    take(c, int(ask))
    c.sendall(b"A" * int(answer))
    c.recv(1)
else:
    c = socket.create_connection((addr, int(port)))
    c.sendall(b"q" * int(ask))
    take(c, int(answer))
"""


def peer(namespace, *args):
    return subprocess.Popen([live.program("ip"), "netns", "exec", namespace, sys.executable, "-c",
                             PEER, *args], stdout=subprocess.PIPE)


def talk(server_in, client_in, addr, ask, answer):
    args = (addr, "8080", str(ask), str(answer))
    server = peer(server_in, "server", *args)
    live.processes.append(server)
    assert server.stdout.readline() == b"ready\n"
    client = peer(client_in, "client", *args)
    live.processes.append(client)
    assert client.wait(live.PATIENCE) == 0 and server.wait(live.PATIENCE) == 0


def test_a_connection_between_namespaces_is_one():
    with namespaces() as (names, addrs):
        spf = live.Spf("-v", "-k", "chunk", "-j", "tcp:8080")
        talk(names[1], names[0], addrs[1], 100_000, 300_000)
        records = spf.records()
    assert {r["conn_id"] for r in chunks(records)} == {1}, brief(records)
    assert {r["addr"] for r in chunks(records)} == {f"{addrs[1]}:8080"}
    assert stream(records, "client") == b"q" * 100_000
    assert stream(records, "server") == b"A" * 300_000
    # The first bytes may be shown before it is known that their reader is seen, and those of a
    # long write before it has ended.
    for sender, reader in (("client", "server"), ("server", "client")):
        read_by = {r["reader_pid"] for r in chunks(records)
                   if r["from"] == sender and "reader_pid" in r}
        assert read_by <= {r["pid"] for r in chunks(records)
                           if r["from"] == reader and "pid" in r}, brief(records)
    balances(spf)


def test_the_same_addresses_in_two_namespaces_are_two_connections():
    with namespaces() as (names, _):
        spf = live.Spf("-v", "-k", "chunk", "-j", "tcp:8080")
        both = [threading.Thread(target=talk, args=(name, name, "127.0.0.1", ask, 50_000))
                for name, ask in zip(names, (20_000, 30_000))]
        for t in both:
            t.start()
        for t in both:
            t.join()
        records = spf.records()
    ids = {r["conn_id"] for r in chunks(records)}
    assert len(ids) == 2, brief(records)
    asked = sorted(len(stream([r for r in records if r.get("conn_id") == i], "client"))
                   for i in ids)
    assert asked == [20_000, 30_000], asked
    balances(spf)
