# SPDX-License-Identifier: BSD-2-Clause
"""Scripts that draw a screen, on a terminal (tmux) while the shop of examples/demo is called."""
import os
import re
import shutil
import subprocess

import live

NEEDS_CAPTURE = True
DEMO = os.path.join(live.ROOT, "examples", "demo")


class Screen:
    """spf in a terminal of 100 columns and 20 rows."""
    count = 0

    def __init__(self, *args):
        if not shutil.which("tmux"):
            raise live.Skip("tmux is not installed")
        self.server = f"spf-live-{os.getpid()}"
        Screen.count += 1
        self.err = live.path(f"screen{Screen.count}.err")
        command = " ".join([live.SPF, *args, f"2>{self.err}"])
        subprocess.run(["tmux", "-L", self.server, "-f", "/dev/null", "new-session", "-d", "-x", "100",
                        "-y", "20", f"cd {live.ROOT}; {command}; echo ended $?; sleep 30"], check=True)
        live.until(self.is_ready, "spf is ready")

    def is_ready(self):
        if not os.path.exists(self.err):
            return False
        with open(self.err) as f:
            return live.READY.search(f.read())

    def tmux(self, *args):
        return subprocess.run(["tmux", "-L", self.server, *args], capture_output=True, text=True).stdout

    def text(self):
        return self.tmux("capture-pane", "-p")

    def shows(self, pattern):
        live.until(lambda: re.search(pattern, self.text(), re.M), f"the screen shows {pattern}:\n{self.text()}")

    def end(self):
        self.tmux("send-keys", "C-c")
        self.shows(r"^ended 0$")
        text = self.text()
        self.tmux("kill-server")
        return text


def shop():
    socket = live.path(f"shop{Screen.count}.sock")
    live.start(os.path.join(DEMO, "server.py"), socket)
    live.until(lambda: live.can_connect(socket), "the shop is open")
    return socket


def customer(socket, rounds):
    live.run(os.path.join(DEMO, "client.py"), socket, str(rounds))


def on_screen(script, *patterns):
    socket = shop()
    screen = Screen("-s", f"scripts/{script}.lua", socket)
    try:
        customer(socket, 2)
        for p in patterns:
            screen.shows(p)
        screen.tmux("resize-window", "-x", "60", "-y", "8")
        customer(socket, 1)
        screen.shows(patterns[0])
        assert all(len(line) <= 60 for line in screen.text().splitlines()), screen.text()
        screen.end()
    finally:
        screen.tmux("kill-server")


def test_grpc_top_counts_methods_and_fits_the_screen():
    on_screen("grpc_top", r"^METHOD +CALLS +CALLS/S +ERR", r"demo\.Shop/GetItem +10 ")


def test_http_top_counts_paths():
    on_screen("http_top", r"^REQUEST +CALLS", r"POST /demo\.Shop/GetItem +10 +10 ")


def test_sock_top_names_the_processes():
    on_screen("sock_top", r"^CLIENT +SERVER +SOCKET", r"^client\S* +server\S* ")


def test_grpc_streams_shows_streams_of_several_messages():
    on_screen("grpc_streams", r"^METHOD +CONN", r"demo\.Shop/ListItems +1 +\d+ ")
