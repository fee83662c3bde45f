# SPDX-License-Identifier: BSD-2-Clause
"""Filters by process: whose connections are captured, from when on, and that the rest is counted."""
import json
import os
import re
import subprocess
import sys

import live

NEEDS_CAPTURE = True

# A peer that obeys lines on its stdin, so that it is known which process does what, and when.
PEER = r"""
import os, socket, sys
sock, listener = {}, None
def family(where):
    return socket.AF_INET if where.isdigit() else socket.AF_UNIX
def place(where):
    return ("127.0.0.1", int(where)) if where.isdigit() else where
for line in sys.stdin:
    word, *arg = line.split()
    if word == "listen":
        listener = socket.socket(family(arg[0]))
        listener.bind(place(arg[0]))
        listener.listen()
    elif word == "connect":
        sock[arg[0]] = socket.socket(family(arg[1]))
        sock[arg[0]].connect(place(arg[1]))
    elif word == "accept":
        sock[arg[0]] = listener.accept()[0]
    elif word == "pair":
        sock[arg[0]], sock[arg[1]] = socket.socketpair()
    elif word == "send":
        sock[arg[0]].sendall(arg[1].encode())
    elif word == "recv":
        print(sock[arg[0]].recv(1000).decode(), flush=True)
        continue
    elif word == "pass":  # hands a socket on
        socket.send_fds(sock[arg[0]], [b"."], [sock[arg[1]].fileno()])
        sock.pop(arg[1]).close()
    elif word == "take":
        sock[arg[1]] = socket.socket(fileno=socket.recv_fds(sock[arg[0]], 1, 1)[1][0])
    elif word == "name":
        open("/proc/self/comm", "w").write(arg[0])
    elif word == "user":
        os.setresuid(int(arg[0]), int(arg[0]), int(arg[0]))
    elif word == "cgroup":
        open(arg[0] + "/cgroup.procs", "w").write(str(os.getpid()))
    elif word == "fork":  # the child goes on here, the parent waits for it
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
            os._exit(0)
    elif word == "pid":
        print(os.getpid(), flush=True)
        continue
    elif word == "orphan":  # the child goes on here, its parent is gone
        if os.fork():
            os._exit(0)
    print("done", flush=True)
"""


class Peer:
    def __init__(self):
        self.p = subprocess.Popen([sys.executable, "-c", PEER], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        live.processes.append(self.p)
        self.pid = self.p.pid

    def do(self, *words):
        self.p.stdin.write(" ".join(map(str, words)) + "\n")
        self.p.stdin.flush()
        return self.p.stdout.readline().strip()


def said(spf):
    """What was captured, as (direction, text) with its writer and reader."""
    return [(c["from"], c["data"], c.get("pid"), c.get("reader_pid"))
            for c in spf.records() if c["kind"] == "chunk"]


def capture(*options):
    return live.Spf("-v", "-j", "-k", "chunk", *map(str, options))


def filtered(spf):
    return int(re.search(r"connections: .* filtered (\d+) ", spf.err())[1])


def service(name):
    """A server and two clients, not yet connected."""
    where = live.path(name)
    server, one, two = Peer(), Peer(), Peer()
    server.do("listen", where)
    return where, server, one, two


def exchange(server, client, name, where, text):
    client.do("connect", "c", where)
    server.do("accept", name)
    client.do("send", "c", text)
    assert server.do("recv", name) == text
    server.do("send", name, text.upper())
    assert client.do("recv", "c") == text.upper()


def test_pid_of_a_client():
    where, server, one, two = service("who1.sock")
    spf = capture("-p", one.pid, where)
    exchange(server, two, "b", where, "other")
    exchange(server, one, "a", where, "mine")
    assert said(spf) == [("client", "mine", one.pid, server.pid),
                         ("server", "MINE", server.pid, one.pid)]
    assert filtered(spf) == 10, spf.err()


def test_pid_of_a_server_has_the_first_request_and_its_writer():
    where, server, one, two = service("who2.sock")
    other = Peer()
    other.do("listen", live.path("who2b.sock"))
    spf = capture("-p", server.pid, live.path("who2*.sock"))
    exchange(other, two, "b", live.path("who2b.sock"), "other")
    exchange(server, one, "a", where, "mine")
    assert said(spf) == [("client", "mine", one.pid, server.pid),
                         ("server", "MINE", server.pid, one.pid)]
    assert filtered(spf) == 10, spf.err()


def test_pid_of_a_process_that_gets_the_socket_later():
    where, server, one, two = service("who3.sock")
    late = Peer()
    late.do("listen", live.path("hand.sock"))
    server.do("connect", "h", live.path("hand.sock"))
    late.do("accept", "h")
    spf = capture("-p", late.pid, where)
    exchange(server, one, "a", where, "before")
    server.do("pass", "h", "a")
    late.do("take", "h", "a")
    one.do("send", "c", "after")
    assert late.do("recv", "a") == "after"
    late.do("send", "a", "AFTER")
    assert one.do("recv", "c") == "AFTER"
    # written while nobody who is meant had the socket: who wrote it is not kept for long
    assert said(spf) == [("client", "after", None, late.pid),
                         ("server", "AFTER", late.pid, one.pid)]
    assert filtered(spf) == 12, spf.err()
    assert "DOES NOT" not in spf.err() and " lost 0 " in spf.err(), spf.err()


def test_pid_of_who_holds_a_connection_that_is_open():
    where, server, one, two = service("who4.sock")
    exchange(server, one, "a", where, "early")
    exchange(server, two, "b", where, "other")
    spf = capture("-p", one.pid, where)
    server.do("send", "b", "no")
    two.do("recv", "c")
    server.do("send", "a", "yes")
    one.do("recv", "c")
    assert said(spf) == [("server", "yes", server.pid, one.pid)]


def test_pid_of_who_listens_is_not_that_of_who_serves():
    """A server that forks: the parent only listens."""
    where, server, one, _ = service("who5.sock")
    spf = capture("-p", server.pid, where)
    server.do("fork")
    exchange(server, one, "a", where, "child")
    assert said(spf) == []
    assert filtered(spf) == 10, spf.err()


def test_pid_over_tcp():
    port = live.free_port()
    server, one, two, other = Peer(), Peer(), Peer(), Peer()
    server.do("listen", port)
    exchange(server, one, "early", port, "a")
    for pid, client, want in ((one.pid, one, ["mine", "MINE"]), (server.pid, one, ["mine", "MINE"]),
                              (other.pid, other, [])):
        spf = capture("-p", pid, f"tcp:{port}")
        if not want:
            client = one
        if pid == one.pid:
            exchange(server, two, "b", port, "other")
        exchange(server, client, "a", port, "mine")
        assert [g[1] for g in said(spf)] == want, (pid, spf.err())
    spf = capture("-p", one.pid, f"tcp:{port}")
    server.do("send", "a", "push")  # on a connection that was open
    one.do("recv", "c")
    assert [g[1] for g in said(spf)] == ["push"]


def test_follow_takes_children_and_their_orphans():
    where, server, one, two = service("who6.sock")
    two.do("fork")  # before spf starts
    spf = capture("-p", one.pid, "--follow", where)
    exchange(server, one, "a", where, "self")
    one.do("fork")
    child = one.do("pid")
    exchange(server, one, "b", where, "child")
    one.do("orphan")
    orphan = one.do("pid")
    exchange(server, one, "c", where, "orphan")
    exchange(server, two, "d", where, "other")
    got = said(spf)
    assert [g[1] for g in got] == ["self", "SELF", "child", "CHILD", "orphan", "ORPHAN"], got
    assert [g[2] for g in got if g[0] == "client"] == [one.pid, int(child), int(orphan)], got


def test_follow_knows_the_children_that_are_there():
    where, server, one, two = service("who7.sock")
    one.do("fork")
    spf = capture("-p", one.pid, "--follow", where)
    exchange(server, one, "a", where, "child")
    exchange(server, two, "b", where, "other")
    assert [g[1] for g in said(spf)] == ["child", "CHILD"]


def test_comm_of_a_process():
    where, server, one, two = service("who8.sock")
    one.do("name", "spf-test-peer")
    spf = capture("--comm", "spf-test-peer", where)
    exchange(server, two, "b", where, "other")
    exchange(server, one, "a", where, "mine")
    assert [g[1] for g in said(spf)] == ["mine", "MINE"]


def test_uid_of_a_process():
    where, server, one, two = service("who9.sock")
    os.chmod(where, 0o777)
    one.do("user", 65534)
    spf = capture("--uid", "65534", where)
    exchange(server, two, "b", where, "other")
    exchange(server, one, "a", where, "mine")
    assert [g[1] for g in said(spf)] == ["mine", "MINE"]
    spf = capture("--uid", "0", "--comm", "nobody-has-it", where)
    exchange(server, two, "d", where, "other")
    assert said(spf) == [], "a process must meet all conditions"


def test_cgroup_and_those_below_it():
    roots = [r for r in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
             if os.path.exists(r + "/cgroup.procs") and os.path.exists(r + "/cgroup.controllers")]
    if not roots:
        raise live.Skip("no cgroup version 2 at /sys/fs/cgroup")
    root = roots[0]
    name = f"spf-test-{os.getpid()}"
    try:
        os.makedirs(f"{root}/{name}/inner")
    except OSError as e:
        raise live.Skip(f"no cgroup can be made: {e}")
    where, server, one, two = service("who10.sock")
    try:
        one.do("cgroup", f"{root}/{name}/inner")
        for asked in (name, f"{root}/{name}/inner", os.stat(f"{root}/{name}").st_ino):
            spf = capture("--cgroup", asked, where)
            exchange(server, two, "b", where, "other")
            exchange(server, one, "a", where, "mine")
            assert [g[1] for g in said(spf)] == ["mine", "MINE"]
    finally:
        one.p.kill()
        one.p.wait()
        live.until(lambda: not open(f"{root}/{name}/inner/cgroup.procs").read(), "it is empty")
        os.rmdir(f"{root}/{name}/inner")
        os.rmdir(f"{root}/{name}")


def test_what_is_filtered_is_not_written_to_a_file():
    where, server, one, two = service("who11.sock")
    file = live.path("who.pcapng")
    spf = live.Spf("-w", file, "-p", str(one.pid), where)
    exchange(server, two, "b", where, "other")
    exchange(server, one, "a", where, "mine")
    spf.finish()
    r = live.run(live.SPF, "-r", file, "-k", "conn,chunk", "-F", "op,data", "-T", "tsv")
    assert [line.split("\t") for line in r.stdout.decode().splitlines()[1:]] == \
        [["open", ""], ["", "mine"], ["", "MINE"], ["close", ""]], r


def test_a_pid_that_is_not_there_is_refused():
    p = subprocess.Popen(["true"])
    p.wait()
    r = live.run(live.SPF, "-p", str(p.pid), live.path("x.sock"))
    assert r.returncode == 2 and b"no such process" in r.stderr, r


def listed(*options):
    r = live.run(live.SPF, "-j", "--list", "sockets", *options)
    assert r.returncode == 0, r
    return [json.loads(line) for line in r.stdout.decode().splitlines()]


def test_sockets_are_listed_with_both_ends_and_what_waits():
    where, server, one, _ = service("list.sock")
    port = live.free_port()
    tcp = Peer()
    tcp.do("listen", port)
    for peer, at in ((server, where), (tcp, port)):
        one.do("connect", at, at)
        peer.do("accept", "a")
        one.do("send", at, "hello")
        peer.do("send", "a", "abc")
    rows = listed()
    mine = [r for r in rows if r.get("addr") in (where, f"127.0.0.1:{port}")]
    assert [r["kind"] for r in mine] == ["listener", "connection"] * 2, mine
    for r in mine:
        pids = [p["pid"] for p in r["server"]]
        assert pids == [server.pid if r["transport"] == "unix" else tcp.pid], r
        if r["kind"] == "connection":
            assert [(p["pid"], p["comm"]) for p in r["client"]] == [(one.pid, "python3")], r
            assert (r["unread_by_server"], r["unread_by_client"]) == (5, 3), r
        if r["kind"] == "connection" and r["transport"] == "tcp":
            assert (r["bytes_to_server"], r["bytes_to_client"]) == (5, 3), r
    text = live.run(live.SPF, "--list", "sockets").stdout.decode().splitlines()
    at = next(i for i, line in enumerate(text) if where in line)
    assert text[at].split() == ["stream", where, f"python3[{server.pid}]"], text[at]
    assert f"python3[{one.pid}] -> python3[{server.pid}]  5 not read by the server" in text[at + 1]


def ends(rows):
    """Of the close records: pid, uid and exe of both ends."""
    return sorted([(c[end]["pid"], c[end]["uid"], os.path.basename(c[end].get("exe", "?")))
                   for end in ("client", "server")] for c in rows if c.get("op") == "close")


def test_both_ends_are_who_really_reads_and_writes():
    """A child after fork, and one that got the socket: not who connected or listened. Their user
    is another, and so must be what is said of it; in the file too."""
    exe = os.path.basename(os.path.realpath(sys.executable))
    where, server, one, two = service("ends.sock")
    late = Peer()
    late.do("listen", live.path("ends-hand.sock"))
    server.do("connect", "h", live.path("ends-hand.sock"))
    late.do("accept", "h")
    late.do("user", 65533)
    file = live.path("ends.pcapng")
    spf = live.Spf("-k", "conn", "-j", "-w", file, where)
    exchange(server, two, "b", where, "plain")
    one.do("connect", "c", where)
    server.do("accept", "a")
    one.do("fork")
    child = int(one.do("pid"))
    one.do("user", 65534)
    server.do("pass", "h", "a")
    late.do("take", "h", "a")
    one.do("send", "c", "ask")
    late.do("recv", "a")
    late.do("send", "a", "answer")
    one.do("recv", "c")
    want = sorted([[(two.pid, 0, exe), (server.pid, 0, exe)],
                   [(child, 65534, exe), (late.pid, 65533, exe)]])
    got = ends(spf.records())
    assert got == want, (got, want)
    r = live.run(live.SPF, "-r", file, "-k", "conn", "-j")
    got = ends([json.loads(line) for line in r.stdout.decode().splitlines()])
    assert got == want, (got, want)
