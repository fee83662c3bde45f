# SPDX-License-Identifier: BSD-2-Clause
"""Docker's API is HTTP/1.1 on a unix socket: streams, uploads, upgrades, and what is short."""
import json
import os
import socket
import subprocess

import live

NEEDS_CAPTURE = True
PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "docker_peer.py")


class Docker:
    def __init__(self):
        self.sock = live.path("docker.sock")
        if os.path.exists(self.sock):
            os.unlink(self.sock)
        self.p = subprocess.Popen(["/usr/bin/python3", PEER, self.sock], stdin=subprocess.PIPE)
        live.processes.append(self.p)
        live.until(lambda: os.path.exists(self.sock) and live.can_connect(self.sock),
                   "the server listens")

    def tick(self):
        """The streams go on."""
        self.p.stdin.write(b"\n")
        self.p.stdin.flush()

    def stop(self):
        self.p.stdin.close()
        assert self.p.wait(live.PATIENCE) == 0

    def curl(self, path, *options):
        r = live.run("curl", "-s", "--unix-socket", self.sock, *options,
                     "http://docker/v1.43" + path)
        assert r.returncode == 0, r
        return r.stdout


def https(spf):
    """The HTTP/1 records that spf has printed so far."""
    lines = [l for l in spf.out().decode().splitlines(keepends=True) if l.endswith("\n")]
    return [r for r in map(json.loads, lines) if r["kind"] == "http"]


def test_docker_streams_are_seen_while_they_go_on():
    for path, piece in ("/containers/4711/logs?follow=1", "log"), ("/events", "event"):
        docker = Docker()
        spf = live.Spf("-j", "-k", "http,call", docker.sock)
        curl = live.start("curl", "-sN", "--unix-socket", docker.sock, "http://docker/v1.43" + path)
        heads = live.until(lambda: len(https(spf)) >= 2 and https(spf), "both heads are shown")
        assert [(h["what"], h["path"]) for h in heads] == \
            [("request", "/v1.43" + path), ("response", "/v1.43" + path)], heads
        assert heads[1]["status"] == 200 and heads[1]["more"] and not heads[1]["body_complete"]
        docker.tick()
        first = live.until(lambda: https(spf)[2:], "the first piece is shown")
        assert (first[0]["what"], first[0]["body"]) == ("body", f'{{"{piece}":1}}\n'), first
        docker.tick()
        assert curl.wait(live.PATIENCE) == 0
        live.until(lambda: https(spf)[-1]["body_complete"], "the end is shown")
        records = spf.records()
        pieces = [r for r in records if r["kind"] == "http"][2:]
        assert "".join(p["body"] for p in pieces) == f'{{"{piece}":1}}\n{{"{piece}":2}}\n', pieces
        assert pieces[-1]["body_complete"] and "more" not in pieces[-1], pieces
        calls = [r for r in records if r["kind"] == "call"]
        assert [(c["path"], c["outcome"], c["resp_bytes"]) for c in calls] == \
            [("/v1.43" + path, "complete", sum(p["body_length"] for p in pieces))], calls
        docker.stop()


def test_docker_attach_goes_on_as_raw_bytes_of_both_sides():
    docker = Docker()
    spf = live.Spf("-j", "-k", "http,call,chunk,gap", docker.sock)
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(docker.sock)
        s.sendall(b"POST /v1.43/containers/4711/attach?stream=1 HTTP/1.1\r\nHost: docker\r\n"
                  b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
        f = s.makefile("rb")
        while f.readline() != b"\r\n":
            pass
        for line in b"ls\n", b"GET / HTTP/1.1 is not HTTP here\n":
            s.sendall(line)
            assert f.read(8 + len(line))[8:] == line
        s.shutdown(socket.SHUT_RDWR)
    docker.stop()
    records = spf.records()
    http = [r for r in records if r["kind"] == "http"]
    assert [(r["what"], r["upgrade"]) for r in http] == [("request", "tcp"), ("response", "tcp")]
    calls = [r for r in records if r["kind"] == "call"]
    assert [(c["status"], c["outcome"]) for c in calls] == [(101, "complete")], calls
    assert not [r for r in records if r["kind"] == "gap"], records
    protos = [r["proto"] for r in records if r["kind"] == "chunk"]
    assert protos == ["unknown", "http/1.1"] + ["unknown"] * 4, protos  # before its decoding
    chunks = [(r["from"], r["data"]) for r in records if r["kind"] == "chunk"][2:]
    assert [(who, data[-3:]) for who, data in chunks] == \
        [("client", "ls\n"), ("server", "ls\n"), ("client", "re\n"), ("server", "re\n")], chunks


def test_docker_exchanges_of_every_kind():
    docker = Docker()
    upload = live.path("upload")
    with open(upload, "wb") as f:
        f.write(os.urandom(200_000))
    spf = live.Spf("-j", "-k", "http,call", docker.sock)
    docker.curl("/_ping", "-I")
    docker.curl("/_ping", "http://docker/v1.43/containers/json", "http://docker/v1.43/nothing")
    docker.curl("/containers/create?name=x", "-d", '{"Image":"debian"}')
    docker.curl("/containers/4711/start", "-X", "POST")
    docker.curl("/images/cached")
    docker.curl("/build", "-H", "Expect: 100-continue", "-H", "Transfer-Encoding: chunked",
                "-T", upload, "-X", "POST")
    with socket.socket(socket.AF_UNIX) as s:  # pipelined
        s.connect(docker.sock)
        s.sendall(b"HEAD /_ping HTTP/1.1\r\nHost: d\r\n\r\nGET /a HTTP/1.1\r\nHost: d\r\n\r\n"
                  b"GET /_ping HTTP/1.1\r\nHost: d\r\n\r\n")
        got = b""
        while not got.endswith(b"\r\n\r\nOK"):
            got += s.recv(65536)
    records = spf.records()
    calls = [(c["method"], c["path"].removeprefix("/v1.43"), c["status"], c["req_bytes"],
              c["resp_bytes"], c["outcome"]) for c in records if c["kind"] == "call"]
    assert calls == [
        ("HEAD", "/_ping", 200, 0, 0, "complete"),
        ("GET", "/containers/json", 200, 0, 15, "complete"),
        ("GET", "/nothing", 404, 0, 28, "complete"),
        ("GET", "/_ping", 200, 0, 2, "complete"),
        ("POST", "/containers/create?name=x", 201, 18, 11, "complete"),
        ("POST", "/containers/4711/start", 204, 0, 0, "complete"),
        ("GET", "/images/cached", 304, 0, 0, "complete"),
        ("POST", "/build", 200, 200_000, 25, "complete"),
        ("HEAD", "/_ping", 200, 0, 0, "complete"),
        ("GET", "/a", 404, 0, 28, "complete"),
        ("GET", "/_ping", 200, 0, 2, "complete")], calls
    http = [r for r in records if r["kind"] == "http" and r.get("path") == "/v1.43/build"]
    assert [r["status"] for r in http if r["what"] == "response"] == [100, 200], http
    sent = sum(r["body_length"] for r in http if r["from"] == "client")
    assert sent == 200_000, sent


def test_docker_connections_open_speak_and_close():
    docker = Docker()
    spf = live.Spf("-j", "-k", "conn,call", docker.sock)
    docker.curl("/_ping", "http://docker/v1.43/containers/json")
    docker.stop()
    live.until(lambda: b'"op":"close"' in spf.out(), "the close is shown")
    records = spf.records()
    conns = [r for r in records if r["kind"] == "conn" and r["conn_id"] == 1]
    assert [(c["op"], c["proto"]) for c in conns] == \
        [("open", "unknown"), ("proto", "http/1.1"), ("close", "http/1.1")], conns
    end, calls = conns[-1], [r for r in records if r["kind"] == "call"]
    assert end["seen_open"] and end["calls"] == len(calls) == 2, (end, calls)
    assert end["client"]["comm"] == "curl" and end["server"]["pid"] == docker.p.pid, end
    assert end["client_pid"] == calls[0]["client_pid"], (end, calls)
    assert end["reason"] in ("closed by the client", "closed by the server"), end
    assert end["duration_us"] >= calls[0]["duration_us"] + calls[1]["duration_us"], (end, calls)
    assert end["bytes_to_client"] > sum(c["resp_bytes"] for c in calls), (end, calls)
