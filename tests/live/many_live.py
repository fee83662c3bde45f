# SPDX-License-Identifier: BSD-2-Clause
"""Many connections, one after the other: memory stays where it was, and places are given back."""
import socket
import statistics
import threading

import live

NEEDS_CAPTURE = True

COUNT = 10_000    # of each kind; together more than spf has places at once
STEP = 500
GROWTH = 100      # KiB a step of 1,000 connections: 100 bytes of each


class Echo:
    """Accepts, answers each byte and closes, until it is told to stop."""

    def __init__(self, listener):
        self.listener = listener
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while True:
            peer, _ = self.listener.accept()
            with peer:
                byte = peer.recv(1)
                if byte == b"q":
                    return
                peer.sendall(byte)

    def talk(self, byte=b"x"):
        with socket.socket(self.listener.family) as client:
            client.connect(self.listener.getsockname())
            client.sendall(byte)
            assert client.recv(1) == (byte if byte == b"x" else b"")

    def stop(self):
        self.talk(b"q")
        self.thread.join()
        self.listener.close()


def resident(pid):
    """KiB of memory of its own that a process has: the ring that it maps is of fixed size."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon"))


def worker_of(monitor):
    with open(f"/proc/{monitor}/task/{monitor}/children", encoding="ascii") as f:
        return int(f.read().split()[0])


def test_ten_thousand_connections_leave_memory_where_it_was():
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(live.path("many.sock"))
    unix.listen()
    tcp = socket.create_server(("127.0.0.1", 0))
    where = live.path("many.sock"), f"tcp:{tcp.getsockname()[1]}"
    spf = live.Spf("-k", "conn", "-j", *where)
    pids = spf.p.pid, worker_of(spf.p.pid)
    echoes = [Echo(unix), Echo(tcp)]
    memory = []
    try:
        for i in range(COUNT + 1):
            if i % STEP == 0:
                live.until(lambda: spf.out().count(b'"op":"close"') >= 2 * i, "spf has caught up")
                memory.append([resident(pid) for pid in pids])
            for echo in echoes:
                echo.talk()
    finally:
        for echo in echoes:
            echo.stop()
    records = spf.records()
    for transport in ("unix", "tcp"):
        for op in ("open", "close"):
            count = sum(r["op"] == op and r["transport"] == transport for r in records)
            assert count == COUNT + 2, (transport, op, count)
    assert "not watched" not in spf.err() and "lost" not in spf.err(), spf.err()
    if live.is_sanitized():
        return  # all but the memory was right
    # How much is open at once within a step depends on how busy the machine is, and makes one larger
    # now and then; what is left of each connection makes every step.
    for of in zip(*memory):
        steps = [after - before for before, after in zip(of, of[1:])]
        assert statistics.median(steps) < GROWTH, f"KiB of monitor and worker: {memory}"
