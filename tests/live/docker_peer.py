#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Speaks HTTP/1.1 as Docker's API does, on a unix socket: short JSON, streams that go on until
somebody ends them, uploads, and connections taken over by Upgrade.

usage: docker_peer.py SOCKET     serves until its stdin ends
A stream gives its next piece when a line comes on stdin.
"""
import os
import socket
import sys
import threading

tick = threading.Condition()
ticks = 0


def pieces(name):
    """Two pieces of a stream, each after a line on stdin."""
    for n in (1, 2):
        with tick:
            tick.wait_for(lambda: ticks >= n)
        yield f'{{"{name}":{n}}}\n'.encode()


def answer(status, body=b"", *fields):
    head = [f"HTTP/1.1 {status}", "Api-Version: 1.43", *fields, f"Content-Length: {len(body)}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def read_head(f):
    line = f.readline()
    if not line:
        return None, None, None
    method, target, _ = line.decode().split()
    fields = {}
    while (line := f.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode().partition(":")
        fields[name.lower()] = value.strip()
    return method, target.split("?")[0], fields


def read_body(s, f, fields):
    if fields.get("expect") == "100-continue":
        s.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "content-length" in fields:
        return f.read(int(fields["content-length"]))
    body = b""
    while fields.get("transfer-encoding") == "chunked":
        n = int(f.readline(), 16)
        body += f.read(n)
        f.readline()
        if not n:
            break
    return body


def stream_events(s):
    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
              b"Transfer-Encoding: chunked\r\n\r\n")
    for p in pieces("event"):
        s.sendall(b"%x\r\n%s\r\n" % (len(p), p))
    s.sendall(b"0\r\n\r\n")


def stream_logs(s):
    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n")
    for p in pieces("log"):
        s.sendall(p)


def attach(s, f):
    s.sendall(b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
              b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
    while line := f.readline():
        s.sendall(b"\x01\0\0\0\0\0\0" + bytes([len(line)]) + line)


def serve(s):
    f = s.makefile("rb")
    while True:
        method, path, fields = read_head(f)
        if not method:
            return
        path = path.removeprefix("/v1.43")
        body = read_body(s, f, fields)
        if path == "/_ping":
            s.sendall(answer("200 OK", b"" if method == "HEAD" else b"OK"))
        elif path == "/containers/json":
            s.sendall(answer("200 OK", b'[{"Id":"4711"}]', "Content-Type: application/json"))
        elif path == "/containers/create":
            s.sendall(answer("201 Created", b'{"Id":"%d"}' % len(body)))
        elif path == "/build":
            s.sendall(answer("200 OK", b'{"stream":"%d bytes"}' % len(body)))
        elif path == "/containers/4711/start":
            s.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        elif path == "/images/cached":
            s.sendall(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n")
        elif path == "/events":
            stream_events(s)
        elif path == "/containers/4711/logs":
            stream_logs(s)
            break
        elif path == "/containers/4711/attach":
            attach(s, f)
            break
        else:
            s.sendall(answer("404 Not Found", b'{"message":"page not found"}'))
    s.shutdown(socket.SHUT_RDWR)


def listen():
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen()
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


threading.Thread(target=listen, daemon=True).start()
for _ in sys.stdin:
    with tick:
        ticks += 1
        tick.notify_all()
os._exit(0)
