# SPDX-License-Identifier: BSD-2-Clause
"""Scripts that draw a screen, on a terminal (tmux) while the shop of examples/demo is called."""
import os
import re
import shutil
import signal
import subprocess
import time

import live

NEEDS_CAPTURE = True
DEMO = os.path.join(live.ROOT, "examples", "demo")


def read(path):
    with open(path) as f:
        return f.read()


def child_of(pid):
    return int(read(f"/proc/{pid}/task/{pid}/children").split()[0])


class Screen:
    """spf in a terminal of 100 columns and 20 rows."""
    count = 0

    def __init__(self, *args):
        if not shutil.which("tmux"):
            raise live.Skip("tmux is not installed")
        Screen.count += 1
        self.server = f"spf-live-{os.getpid()}-{Screen.count}"  # the last one may still be ending
        self.err = live.path(f"screen{Screen.count}.err")
        command = " ".join([live.SPF, *args, f"2>{self.err}"])
        subprocess.run(["tmux", "-L", self.server, "-f", "/dev/null", "new-session", "-d", "-x", "100",
                        "-y", "20", f"cd {live.ROOT}; stty -g >{self.err}.before; {command}; echo ended $?; "
                        f"stty -g >{self.err}.after; sleep 30"], check=True)
        live.until(self.is_ready, "spf is ready")

    def is_ready(self):
        if not os.path.exists(self.err):
            return False
        with open(self.err) as f:
            return live.READY.search(f.read())

    def tmux(self, *args):
        return subprocess.run(["tmux", "-L", self.server, *args], capture_output=True, text=True).stdout

    def monitor(self):
        return child_of(int(self.tmux("display-message", "-p", "#{pane_pid}")))

    def text(self):
        return self.tmux("capture-pane", "-p")

    def shows(self, pattern):
        live.until(lambda: re.search(pattern, self.text(), re.M), f"the screen shows {pattern}:\n{self.text()}")

    def end(self, key="C-c", status=0):
        self.tmux("send-keys", key)
        self.ended(status)

    def ended(self, status):
        """spf is over, and the terminal is what it was."""
        self.shows(rf"^ended {status}$")
        live.until(lambda: os.path.exists(self.err + ".after"), "stty has run")
        live.until(lambda: read(self.err + ".after"), "stty has printed")
        before, after = read(self.err + ".before"), read(self.err + ".after")
        assert before == after, f"{before}\n{after}"

    def key(self, key, pattern):
        """Presses a key until the screen shows the pattern: spf takes keys once it draws."""
        def pressed():
            self.tmux("send-keys", key)
            time.sleep(0.2)
            return re.search(pattern, self.text(), re.M)
        live.until(pressed, f"{key} makes the screen show {pattern}:\n{self.text()}")


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


def test_keys_sort_reverse_pause_and_quit():
    socket = shop()
    screen = Screen("-s", "scripts/grpc_top.lua", socket)
    try:
        customer(socket, 2)
        screen.shows(r"by calls .*q quit")
        screen.shows(r"GetItem +10 (.*\n)*.*Haggle +2 ")
        assert re.search(r"GetItem[^\n]*\n.*ListItems", screen.text()), screen.text()
        screen.key("S", r"by bytes ")
        assert re.search(r"GetItem[^\n]*\n.*ListItems", screen.text()), screen.text()
        screen.key("r", r"by bytes, least first")
        assert re.search(r"Buy[^\n]*\n(.*\n)*.*GetItem", screen.text()), screen.text()
        screen.tmux("send-keys", "p")
        screen.shows(r"PAUSED")
        customer(socket, 1)
        time.sleep(1.2)
        screen.shows(r"GetItem +10 ")
        screen.tmux("send-keys", "p")
        screen.shows(r"GetItem +15 ")
        screen.end("q")
    finally:
        screen.tmux("kill-server")


def test_the_terminal_is_restored_when_the_worker_is_killed():
    socket = shop()
    screen = Screen("-s", "scripts/http_top.lua", socket)
    try:
        customer(socket, 1)
        screen.key("r", r"least first")
        os.kill(child_of(screen.monitor()), signal.SIGKILL)
        screen.ended(1)
    finally:
        screen.tmux("kill-server")


def test_ctrl_z_gives_the_shell_its_terminal():
    socket = shop()
    screen = Screen("-s", "scripts/sock_top.lua", socket)
    try:
        customer(socket, 1)
        screen.key("r", r"least first")
        monitor = screen.monitor()
        tty = screen.tmux("display-message", "-p", "#{pane_tty}").strip()
        def mode():
            return subprocess.run(["stty", "-a", "-F", tty], capture_output=True, text=True).stdout
        assert " -icanon" in mode()
        os.kill(monitor, signal.SIGTSTP)
        live.until(lambda: " -icanon" not in mode(), "the terminal is as it was while spf is stopped")
        os.kill(monitor, signal.SIGCONT)
        live.until(lambda: " -icanon" in mode(), "spf has its keys again")
        screen.end("q")
    finally:
        screen.tmux("kill-server")


# What each script shows of the shop's calls; all others name its methods.
SHOWS = {
    "h2_abuse": "0 alarms in [1-9]", "h2_flow": "SENDER +SENT.*\nclient +[1-9]", "h2_settings": "client +client.py",
    "h2_resets": "RST_STREAM +(CANCEL +client|NO_ERROR +server)",  # whoever is sooner at a deadline
    "h2_frames": "HEADERS +client +[1-9]", "headers": "user-agent +[1-9]", "sock_top": r"client.py\S* +server.py",
}


def test_each_script_without_arguments_shows_something_right():
    names = sorted(n[:-4] for n in os.listdir(os.path.join(live.ROOT, "scripts")) if n.endswith(".lua"))
    for group in (names[i:i + 7] for i in range(0, len(names), 7)):
        socket = shop()
        Screen.count += 1
        running = {}
        for name in group:
            out, err = open(live.path(name + ".out"), "wb"), open(live.path(name + ".err"), "wb")
            running[name] = live.start(live.SPF, "-s", name, "--script-dir", os.path.join(live.ROOT, "scripts"), socket,
                                       stdout=out, stderr=err)
        for name in group:
            live.until(lambda: live.READY.search(read(live.path(name + ".err"))), f"{name} is ready")
        customer(socket, 2)
        for name, p in running.items():
            p.send_signal(signal.SIGINT)
            assert p.wait(live.PATIENCE) == 0, (name, read(live.path(name + ".err")))
            shown = read(live.path(name + ".out"))
            assert re.search(SHOWS.get(name, r"demo\.Shop"), shown), (name, shown)
