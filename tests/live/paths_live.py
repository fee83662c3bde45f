# SPDX-License-Identifier: BSD-2-Clause
"""Sockets found by the paths that people type, whatever name they were bound by."""
import os
import re
import socket
import subprocess
import sys

import live

NEEDS_CAPTURE = True

# Binds its argument, says so, answers one client; from a folder, in a root or mount namespace of
# its own if it is told to.
SERVER = r"""
import os, socket, sys
where, folder, root = (sys.argv[1:] + ["", ""])[:3]
if root:
    os.chroot(root)
if folder:
    os.chdir(folder)
s = socket.socket(socket.AF_UNIX)
s.bind(where)
s.listen()
print("bound", flush=True)
while True:
    c = s.accept()[0]
    c.sendall(c.recv(100).upper())
    c.close()
"""


class Server:
    def __init__(self, where, folder="", root="", unshare=None):
        command = [sys.executable, "-c", SERVER, where, folder, root]
        if unshare:
            command = ["unshare", "-m", "sh", "-c", unshare + '; exec "$@"', "sh"] + command
        self.p = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        live.processes.append(self.p)
        line = self.p.stdout.readline().strip()
        if line != "bound":
            raise live.Skip("cannot bind there: " + self.p.stderr.read().strip())

    def stop(self):
        live.stop(self.p)


def ask(where, text=b"ask"):
    """From the folder of where, so that its name is short."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(where)
        s.sendall(text)
        assert s.recv(100) == text.upper()


def folder(name):
    os.makedirs(live.path(name), exist_ok=True)
    return live.path(name)


def seen(spf):
    return [(c["data"], c["addr"]) for c in spf.records() if c["kind"] == "chunk"]


def watch(*targets):
    return live.Spf("-j", "-k", "chunk", *targets)


def both(addr):
    return [("ask", addr), ("ASK", addr)]


def test_a_path_with_a_link_in_it():
    real, link = folder("real"), live.path("link")
    os.symlink(real, link)
    server = Server(real + "/a.sock")
    os.symlink(real + "/a.sock", live.path("file-link.sock"))
    for typed in (link + "/a.sock", live.path("file-link.sock")):
        spf = watch(typed)
        ask(real + "/a.sock")
        assert seen(spf) == both(real + "/a.sock"), typed
    server.stop()


def test_bound_by_another_link_than_typed():
    """Typed is the real path, the server goes through the link: names do not match, files do."""
    real, link = folder("real2"), live.path("link2")
    os.symlink(real, link)
    spf = watch(real + "/a.sock")
    server = Server(link + "/a.sock")
    ask(real + "/a.sock")
    assert seen(spf) == both(link + "/a.sock")
    server.stop()


def test_bound_relative_typed_absolute():
    where = folder("relative")
    spf = watch(where + "/a.sock")
    server, other = Server("a.sock", where), Server("a.sock", folder("elsewhere"))
    ask(live.path("elsewhere/a.sock"))
    ask(where + "/a.sock")
    assert seen(spf) == both(where + "/a.sock")
    server.stop()
    other.stop()


def test_bound_absolute_typed_relative():
    where = folder("absolute")
    spf = watch(os.path.relpath(where + "/a.sock", live.ROOT))
    server, other = Server(where + "/a.sock"), Server("a.sock", folder("elsewhere2"))
    ask(live.path("elsewhere2/a.sock"))
    ask(where + "/a.sock")
    assert seen(spf) == both(where + "/a.sock")
    server.stop()
    other.stop()


def test_a_glob_of_a_folder_and_relative_names():
    where = folder("glob")
    spf = watch(where + "/*.sock")
    servers = [Server("a.sock", where), Server("b.other", where), Server(where + "/c.sock")]
    for name in ("a.sock", "b.other", "c.sock"):
        ask(f"{where}/{name}")
    assert seen(spf) == both(where + "/a.sock") + both(where + "/c.sock")
    for s in servers:
        s.stop()


def test_a_bind_mount_in_another_mount_namespace():
    where, mounted = folder("here"), folder("there")
    server = Server(mounted + "/a.sock", unshare=f"mount --bind {where} {mounted}")
    spf = watch(where + "/a.sock")
    ask(where + "/a.sock")
    assert seen(spf) == both(mounted + "/a.sock")
    server.stop()


def test_the_root_of_another_process():
    """As a container: its /…/box is a file system of its own, and ours has the same name."""
    box = folder("box")
    ours = Server(box + "/a.sock")
    theirs = Server(box + "/a.sock", unshare=f"mount -t tmpfs tmpfs {box}")
    typed = f"/proc/{theirs.p.pid}/root{box}/a.sock"
    spf = watch(typed)
    ask(box + "/a.sock")
    ask(typed)
    assert seen(spf) == both(box + "/a.sock")
    ours.stop()
    theirs.stop()


def test_after_chroot():
    root = folder("jail")
    folder("jail/run")
    spf = watch(root + "/run/a.sock")
    server = Server("/run/a.sock", root=root)
    ask(root + "/run/a.sock")
    assert seen(spf) == both("/run/a.sock")
    server.stop()


def test_a_socket_that_is_unlinked_and_bound_anew():
    where = folder("again")
    old = Server("a.sock", where)
    kept = socket.socket(socket.AF_UNIX)
    kept.connect(where + "/a.sock")
    os.unlink(where + "/a.sock")
    spf = watch(where + "/a.sock")
    assert re.search("no socket is bound at .*; waiting for it", spf.err()), spf.err()
    kept.sendall(b"ask")  # of the old one, whose file is gone
    assert kept.recv(10) == b"ASK"
    new = Server("a.sock", where)
    ask(where + "/a.sock")
    assert seen(spf) == both(where + "/a.sock") * 2
    old.stop()
    new.stop()
    kept.close()


def test_a_file_that_nobody_is_bound_to_is_said_to_be_waited_for():
    where = live.path("stale.sock")
    Server(where).stop()
    spf = watch(where)
    assert re.search("no socket is bound at .*stale.sock yet; waiting", spf.err()), spf.err()
    os.unlink(where)
    server = Server(where)
    ask(where)
    assert seen(spf) == both(where)
    server.stop()


def test_names_that_are_printed_otherwise_than_typed():
    for name, printed in (("new\nline", "new\\x0aline"), ("a\x1bb", "a\\x1bb"), ("back\\slash", "back\\x5cslash")):
        where = live.path(name)
        server = Server(where)
        spf = watch(where)
        ask(where)
        assert seen(spf) == both(live.path(printed)), name
        server.stop()


def test_an_abstract_name_that_is_bound_is_not_waited_for():
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for name in ("spf-plain", "spf-back\\slash", "spf-a\x1bb"):
            with socket.socket(socket.AF_UNIX, kind) as server:
                server.bind("\0" + name)
                if kind == socket.SOCK_STREAM:
                    server.listen()
                spf = watch("@" + name)
                assert "waiting" not in spf.err(), spf.err()
                spf.finish()


def test_an_abstract_name_and_one_of_another_folder_are_waited_for():
    server = Server("other.sock", folder("other"))
    for typed in ("@spf-nobody", "other.sock"):
        spf = watch(typed)
        assert f"no socket is bound at {typed} yet; waiting for it (" in spf.err(), spf.err()
        spf.finish()
    server.stop()


def test_a_name_that_is_nearly_one():
    where = live.path("moby.sock")
    server = Server(where)
    for typed in (live.path("moby.sok"), live.path("elsewhere/run/moby.sock")):
        spf = watch(typed)
        assert f"did you mean {where} (python3)?" in spf.err(), spf.err()
        spf.finish()
    server.stop()
