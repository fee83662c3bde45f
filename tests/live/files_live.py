# SPDX-License-Identifier: BSD-2-Clause
"""-w while capturing: the same script over the file prints the same bytes; tshark reads it."""
import collections
import glob
import json
import os
import shutil
import socket
import time

import live
import who_live

NEEDS_CAPTURE = True
DEMO = os.path.join(live.ROOT, "examples/demo")
PYTHON = "/usr/bin/python3"
ALL = ("-k", "chunk,conn,frame,message,http,call,gap", "-j")


def shop():
    if live.run(PYTHON, "-c", "import grpc").returncode:
        raise live.Skip("python3-grpcio is not installed")
    sock = live.path("shop.sock")
    if os.path.exists(sock):
        os.unlink(sock)
    live.start(PYTHON, os.path.join(DEMO, "server.py"), sock)
    live.until(lambda: os.path.exists(sock) and live.can_connect(sock), "the shop is open")
    return sock


def buy(sock, rounds):
    r = live.run(PYTHON, os.path.join(DEMO, "client.py"), sock, str(rounds))
    assert r.returncode == 0, r


def capture(sock, file, rounds, *options):
    spf = live.Spf(*options, "-w", file, sock)
    buy(sock, rounds)
    return spf.finish()


def replay(file, *options):
    r = live.run(live.SPF, "-r", file, *options, cwd=live.ROOT)
    assert r.returncode == 0, r.stderr
    return r.stdout


def first_difference(a, b):
    for i, (x, y) in enumerate(zip(a.splitlines(), b.splitlines())):
        if x != y:
            return f"line {i + 1}: live {x!r}, replay {y!r}"
    return f"live {len(a.splitlines())} lines, replay {len(b.splitlines())}"


def test_a_replay_gives_all_records_of_the_capture():
    file = live.path("all.pcapng")
    sock = shop()
    out = capture(sock, file, 4, *ALL)
    assert out.count(b"\n") > 200, out[:1000]
    again = replay(file, *ALL)
    assert again == out, first_difference(out, again)


def test_each_script_prints_the_same_over_the_file():
    sock = shop()
    differ = []
    for script in sorted(glob.glob(os.path.join(live.ROOT, "scripts", "*.lua"))):
        name = os.path.basename(script)[:-4]
        file = live.path(name + ".pcapng")
        out = capture(sock, file, 1, "-s", script)
        again = replay(file, "-s", script)
        if again != out:
            differ.append(f"{name}: {first_difference(out, again)}")
    assert not differ, "\n".join(differ)


def tshark_frames(file):
    """{stream and port: [(type, flags, stream, length)]} and as many lists of header fields."""
    r = live.run("tshark", "-r", file, "-Y", "http2", "-T", "fields", "-E", "aggregator=\x1f",
                 *[a for f in ("tcp.stream", "tcp.srcport", "http2.type", "http2.flags",
                               "http2.streamid", "http2.length", "http2.header.name",
                               "http2.header.value") for a in ("-e", f)])
    frames, headers = collections.defaultdict(list), collections.defaultdict(list)
    for line in r.stdout.decode().splitlines():
        cols = line.split("\t")
        types, flags, sids, lens, names, values = [c.split("\x1f") if c else [] for c in cols[2:]]
        if not types:
            continue
        key = (cols[0], "server" if cols[1] == "80" else "client")
        frames[key] += [(int(t), int(f, 0), int(s), int(n)) for t, f, s, n in
                        zip(types, flags, sids[-len(types):], lens[-len(types):])]
        headers[key] += list(zip(names, values))
    return list(frames.values()), list(headers.values())


def test_tshark_sees_the_same_frames():
    if not shutil.which("tshark"):
        raise live.Skip("tshark is not installed")
    file = live.path("tshark.pcapng")
    sock = shop()
    out = capture(sock, file, 3, "-k", "frame", "-j")
    frames, headers = collections.defaultdict(list), collections.defaultdict(list)
    for r in map(json.loads, out.decode().splitlines()):
        key = (r["conn_id"], r["from"])
        frames[key].append((r["type_id"], r["flags"], r["stream_id"], r["length"]))
        headers[key] += [(h["name"], h["value"]) for h in r.get("headers") or []]
    theirs, their_headers = tshark_frames(file)
    assert sum(map(len, frames.values())) > 100
    assert sorted(theirs) == sorted(frames.values())
    assert sorted(their_headers) == sorted(headers.values())
    assert live.run("capinfos", file).returncode == 0
    names = live.run("capinfos", file).stdout.decode()
    assert f"Name = {sock}" in names, names


class Tcp:
    """Both ends of a connection over loopback."""

    def __init__(self, family, host):
        self.listener = socket.socket(family)
        self.listener.bind((host, 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]

    def connect(self):
        self.client = socket.create_connection(self.listener.getsockname()[:2])
        self.server = self.listener.accept()[0]
        self.ends = [s.getsockname()[:2] for s in (self.client, self.server)]

    def speak(self):
        self.client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert self.server.recv(100).startswith(b"GET")
        self.server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert self.client.recv(100).endswith(b"ok")

    def close(self):
        for s in self.client, self.server, self.listener:
            s.close()


def tshark_ends(file):
    """{(source, destination)}, each (address, port)."""
    r = live.run("tshark", "-r", file, "-T", "fields", "-E", "separator= ",
                 *[a for f in ("ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst",
                               "tcp.dstport") for a in ("-e", f)])
    rows = {tuple(line.split()) for line in r.stdout.decode().splitlines()}
    return {((a, int(p)), (b, int(q))) for a, p, b, q in rows}


def test_tcp_connections_keep_their_addresses():
    if not shutil.which("tshark"):
        raise live.Skip("tshark is not installed")
    file = live.path("tcp.pcapng")
    pairs = [Tcp(socket.AF_INET, "127.0.0.1"), Tcp(socket.AF_INET, "127.0.0.1"),
             Tcp(socket.AF_INET6, "::1")]
    pairs[0].connect()  # before the capture
    spf = live.Spf("-w", file, *[f"tcp:{pair.port}" for pair in pairs])
    for pair in pairs:
        if pair is not pairs[0]:
            pair.connect()
        pair.speak()
        pair.close()
    spf.finish()
    want = {(pair.ends[i], pair.ends[not i]) for pair in pairs for i in range(2)}
    assert tshark_ends(file) == want, (tshark_ends(file), want)


class Talk:
    """Numbered messages over two connections in turn, each answered: one is older than spf."""

    def __init__(self, name):
        self.where = live.path(name)
        self.server, self.client = who_live.Peer(), who_live.Peer()
        self.server.do("listen", self.where)
        self.connect("0")
        self.sent = []

    def connect(self, name):
        self.client.do("connect", name, self.where)
        self.server.do("accept", name)

    def say(self):
        text, name = f"{len(self.sent) // 2:06}", str(len(self.sent) // 2 % 2)
        for one, other in (self.client, self.server), (self.server, self.client):
            one.do("send", name, text)
            assert other.do("recv", name) == text
            self.sent.append((text, self.where, one.pid, other.pid))


# A file of its own numbers these from 1, and sees nothing of how the connection began.
OF_THE_FILE = ("seq", "conn_id", "elapsed_ns", "proto", "exact")


def chunks_of(text):
    """Chunks as printed, without what depends on the file in which they stand."""
    return [{k: v for k, v in json.loads(line).items() if k not in OF_THE_FILE}
            for line in text.decode().splitlines()]


def rotated(talk, file, options, is_over):
    """Lets talk go on under -w with options; returns the chunks in each file, the oldest first."""
    spf = live.Spf("-j", "-k", "chunk", "-w", live.path(file + ".pcapng"), *options, talk.where)
    talk.connect("1")
    while not is_over():
        talk.say()
    whole = chunks_of(spf.finish())
    assert [(c["data"], c["addr"], c["pid"], c["reader_pid"]) for c in whole] == talk.sent
    files = glob.glob(live.path(file + ".*pcapng*"))
    assert sorted(files) == [live.path(f"{file}.{i}.pcapng") for i in range(int(options[-1]))]
    parts = sorted((chunks_of(replay(f, "-j", "-k", "chunk")) for f in files),
                   key=lambda chunks: chunks[0]["ts"])
    rest = sum(parts, [])
    # in order, none twice, all of the newest
    assert 0 < len(rest) < len(whole)
    assert rest == whole[-len(rest):], first_difference(*("\n".join(map(str, x)) for x in
                                                         (whole[-len(rest):], rest)))
    for f in files:
        conns = [json.loads(line) for line in replay(f, "-j", "-k", "conn").splitlines()]
        assert {c["addr"] for c in conns} == {talk.where}, conns
        if shutil.which("tshark"):
            r = live.run("tshark", "-r", f, "-Y", "tcp.len > 0")
            assert r.returncode == 0 and r.stdout, r
    return parts


def test_files_are_filled_in_turn_by_time():
    talk = Talk("seconds.sock")
    end = time.monotonic() + 3.5  # into the fourth file of a second each

    def is_over():
        time.sleep(0.02)
        return time.monotonic() > end

    parts = rotated(talk, "seconds", ("-G", "1", "-W", "2"), is_over)
    times = [[c["ts"] for c in chunks] for chunks in parts]
    assert all(t[-1] - t[0] < 1 for t in times), times
    assert times[1][0] - times[0][0] >= 1, times


def test_files_are_filled_in_turn_by_size():
    talk = Talk("sizes.sock")
    parts = rotated(talk, "sizes", ("-C", "4K", "-W", "3"), lambda: len(talk.sent) == 150)
    assert all(len(chunks) > 5 for chunks in parts[:2]), list(map(len, parts))


def test_each_file_in_turn_shows_http2_to_tshark():
    if not shutil.which("tshark"):
        raise live.Skip("tshark is not installed")
    sock = shop()
    file = live.path("turn.pcapng")
    spf = live.Spf("-w", file, "-C", "20K", "-W", "3", sock)
    buy(sock, 20)
    spf.finish()
    files = [live.path(f"turn.{i}.pcapng") for i in range(3)]
    assert all(os.path.getsize(f) < 60000 for f in files), list(map(os.path.getsize, files))
    # the newest may just have been begun; the others are full
    frames = sorted(sum(map(len, tshark_frames(f)[0])) for f in files)
    assert frames[1] > 10, frames


def test_a_pipe_into_tshark_is_live():
    if not shutil.which("tshark"):
        raise live.Skip("tshark is not installed")
    sock = shop()
    fifo = live.path("fifo")
    os.mkfifo(fifo)
    reader = live.start("tshark", "-r", fifo, "-Y", "http2", stdout=open(live.path("live.txt"), "wb"))
    with open(fifo, "wb") as pipe:
        spf = live.Spf("-w", "-", sock, stdout=pipe)
    buy(sock, 1)
    spf.finish()
    assert reader.wait(live.PATIENCE) == 0
    with open(live.path("live.txt"), "rb") as f:
        assert b"/demo.Shop/GetItem" in f.read()


def test_wireshark_has_the_sockets_among_its_interfaces():
    if not shutil.which("tshark"):
        raise live.Skip("tshark is not installed")
    home = live.path("home")
    folder = os.path.join(home, ".config/wireshark/extcap")
    os.makedirs(folder)
    os.symlink(live.SPF, os.path.join(folder, "spf"))
    env = dict(os.environ, HOME=home)
    sock = shop()
    r = live.run("tshark", "-D", env=env)
    assert f"spf:{sock} (unix socket {sock})" in r.stdout.decode(), r
    out = live.path("extcap.txt")
    with open(out, "wb") as f:
        reader = live.start("tshark", "-l", "-i", "spf:" + sock, "-a", "duration:15", "-Y", "http2",
                            stdout=f, env=env)

    def shown():
        buy(sock, 1)
        with open(out, "rb") as text:
            return b"/demo.Shop/GetItem" in text.read()

    live.until(shown, "tshark shows the calls")
    live.stop(reader, 2)
