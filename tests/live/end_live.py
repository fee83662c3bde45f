# SPDX-License-Identifier: BSD-2-Clause
"""How spf ends: signals, counts, times, pipes."""
import fcntl
import os
import re
import shutil
import signal
import socket
import threading
import time

import live

NEEDS_CAPTURE = True


class Chatter:
    """Two ends that say short things to each other until told to stop."""

    def __init__(self, name, pause=0.002):
        self.pause = pause
        self.path = live.path(name)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.client = socket.socket(socket.AF_UNIX)
        self.client.connect(self.path)
        self.peer, _ = self.listener.accept()
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.chat)
        self.thread.start()

    def chat(self):
        while not self.stopped.wait(self.pause):
            self.client.sendall(b"hello")
            self.peer.recv(100)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        for s in (self.listener, self.client, self.peer):
            s.close()


COUNT = ("-k", "chunk", "-e", "count(from)")


def prints_results_at(sig):
    with Chatter(f"signal{sig}.sock") as c:
        spf = live.Spf(*COUNT, c.path)
        time.sleep(0.3)
        out = spf.finish(sig).decode()
    assert re.search(r"client\S*\s+[1-9]", out), out


def test_sigint_prints_the_results():
    prints_results_at(signal.SIGINT)


def test_sigterm_prints_the_results():
    prints_results_at(signal.SIGTERM)


def test_t_ends_after_that_time():
    with Chatter("time.sock") as c:
        start = time.monotonic()
        spf = live.Spf(*COUNT, "-t", "1", c.path, ready=False)
        assert spf.wait() == 0, spf.err()
        assert time.monotonic() - start >= 1
    assert b"client" in spf.out(), spf.out()


def test_c_ends_after_that_many_records():
    with Chatter("count.sock") as c:
        spf = live.Spf("-k", "chunk", "-c", "5", c.path, ready=False)
        assert spf.wait() == 0, spf.err()
    assert len(spf.out().splitlines()) == 5, spf.out()


def test_a_closed_pipe_ends_it_silently():
    with Chatter("pipe.sock") as c:
        r, w = os.pipe()
        spf = live.Spf("-q", "-k", "chunk", c.path, ready=False, stdout=w)
        os.close(w)
        assert os.read(r, 1)
        os.close(r)
        code = spf.wait()
    assert code == 0, f"{code}: {spf.err()}"
    assert spf.err() == "", spf.err()


def test_a_reader_that_goes_away_makes_no_loss():
    """What spf had not come to is taken, though nobody reads the file."""
    with Chatter("gone.sock", pause=0) as c:
        for _ in range(5):
            r, w = os.pipe()
            spf = live.Spf("-w", "-", c.path, stdout=w)
            os.close(w)
            assert os.read(r, 10)
            os.close(r)
            assert spf.wait() == 0, spf.err()
            assert "lost" not in spf.err(), spf.err()


def test_a_pipe_that_does_not_block_gets_all_of_the_capture():
    with Chatter("slow-reader.sock") as c:
        r, w = os.pipe()
        fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(w, False)
        spf = live.Spf("-v", "-w", "-", c.path, stdout=w)
        os.close(w)
        time.sleep(0.3)
        spf.p.send_signal(signal.SIGINT)
        capture = live.path("full_pipe.pcapng")
        with open(r, "rb") as f, open(capture, "wb") as to:
            shutil.copyfileobj(f, to)
        assert spf.wait() == 0, spf.err()
    said = live.run(live.SPF, "-v", "-r", capture).stderr.decode()
    sums = [re.search(r"1 connections: accepted (\d+) ", text) for text in (spf.err(), said)]
    assert sums[0][1] == sums[1][1] and int(sums[0][1]) > 100, spf.err() + said


def test_a_script_that_fails_is_reported_and_counted():
    with Chatter("fails.sock") as c:
        spf = live.Spf("-k", "chunk", "-e", "local x; x()", "-c", "20", c.path, ready=False)
        code = spf.wait()
    assert code == 1, code
    assert "attempt to call" in spf.err(), spf.err()


def test_captured_escapes_do_not_reach_a_terminal():
    where = live.path("evil.sock")
    leader, follower = os.openpty()
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(where)
        listener.listen()
        spf = live.Spf("-k", "chunk", "-e", "print(data)", "-c", "1", where, stdout=follower)
        client.connect(where)
        peer, _ = listener.accept()
        with peer:
            client.sendall(b"\x1b]0;owned\x07\xc2\x9b31m")
            peer.recv(100)
            spf.wait()
    os.close(follower)
    out = os.read(leader, 1000)
    os.close(leader)
    assert b"\\x1b]0;owned\\x07\\u009b31m" in out, out
    assert b"\x1b" not in out and b"\x9b" not in out, out


def test_c_loses_nothing_that_it_would_have_to_confess():
    with Chatter("enough_to_end.sock") as c:
        spf = live.Spf("-v", "-k", "chunk", "-c", "3", c.path, ready=False)
        assert spf.wait() == 0, spf.err()
    sums = re.findall(r"accepted (\d+) .*?= decoded (\d+) \+ undecoded (\d+) \+ cut (\d+) \+ lost (\d+) \+ "
                      r"filtered (\d+) \+ unread (\d+)(.*)", spf.err())
    assert sums, spf.err()
    for accepted, *parts, rest in sums:
        assert int(accepted) == sum(map(int, parts)) and not rest, spf.err()
        assert parts[3] == "0", spf.err()
