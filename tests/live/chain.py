#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A process of a chain that hands messages of 64 bytes on, one at a time, and their echo back.

usage: chain.py client DOWN ROUNDS | relay UP DOWN | server UP    (UP, DOWN: socket paths)"""
import socket
import sys
import time


def connect(path):
    end = time.monotonic() + 20
    while True:
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(path)
            return s
        except OSError:
            s.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def accept(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        return listener.accept()[0]


def client(down, rounds):
    s = connect(down)
    for i in range(int(rounds)):
        message = b"%064d" % i
        s.send(message)
        if s.recv(64) != message:
            sys.exit("another message came back")


def relay(up, down):
    to = connect(down)
    source = accept(up)
    while message := source.recv(64):
        to.send(message)
        source.send(to.recv(64))


def server(up):
    source = accept(up)
    while message := source.recv(64):
        source.send(message)


if __name__ == "__main__":
    {"client": client, "relay": relay, "server": server}[sys.argv[1]](*sys.argv[2:])
