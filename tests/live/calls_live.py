# SPDX-License-Identifier: BSD-2-Clause
"""Calls of live programs against what the programs themselves say of them."""
import json
import os
import subprocess

import live

NEEDS_CAPTURE = True
PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "calls_peer")
PYTHON = "/usr/bin/python3"


class Python:
    name = "grpcio"

    def command(self):
        if live.run(PYTHON, "-c", "import grpc").returncode:
            raise live.Skip("python3-grpcio is not installed")
        return [PYTHON, PEER + ".py"]


class Node:
    name = "grpc-js"
    modules = os.path.join(live.ROOT, "build/live/node_modules")

    def command(self):
        if not os.path.isdir(os.path.join(self.modules, "@grpc/grpc-js")):
            raise live.Skip("no grpc-js: tests/live/peers.sh brings it where there is npm")
        return ["env", "NODE_PATH=" + self.modules, "node", PEER + ".js"]


class Go:
    """apt-get install golang-go golang-google-grpc-dev makes it run; built when its source is newer."""
    name = "Go"
    binary = os.path.join(live.ROOT, "build/live/calls_peer")

    def command(self):
        source = PEER + ".go"
        if not os.path.exists(self.binary) or os.path.getmtime(self.binary) < os.path.getmtime(source):
            if not os.path.isdir("/usr/share/gocode/src/google.golang.org/grpc"):
                raise live.Skip("no Go gRPC: golang-go, golang-google-grpc-dev")
            os.makedirs(os.path.dirname(self.binary), exist_ok=True)
            env = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode")
            r = subprocess.run(["go", "build", "-o", self.binary, source], env=env,
                               capture_output=True, timeout=600, check=False)
            assert r.returncode == 0, r
        return [self.binary]


def grpc_server(language=Python()):
    sock = live.path("calls.sock")
    if os.path.exists(sock):
        os.unlink(sock)
    p = subprocess.Popen([*language.command(), "server", sock], stdin=subprocess.PIPE)
    live.processes.append(p)
    live.until(lambda: os.path.exists(sock) and live.can_connect(sock), "the server listens")
    return sock


class Client:
    """A peer's client with its steps; what it saw is in rows."""

    def __init__(self, sock, *steps, language=Python()):
        script = live.path("steps.json")
        with open(script, "w") as f:
            json.dump(steps, f)
        self.p = subprocess.Popen([*language.command(), "client", sock, script], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        live.processes.append(self.p)
        self.rows = []

    def until_waiting(self):
        for line in self.p.stdout:
            if line == "waiting\n":
                return
            self.rows.append(json.loads(line))

    def go_on(self):
        self.p.stdin.write("\n")
        self.p.stdin.flush()

    def finish(self):
        self.until_waiting()
        assert self.p.wait(live.PATIENCE) == 0
        return self.rows


def unary(request, **options):
    return {"kind": "unary_unary", "method": "Unary", "request": request, **options}


ALL_KINDS = [
    unary("hello"),
    unary("x" * 200_000),
    unary("z" * 5000, gzip=True),
    {"kind": "unary_stream", "method": "ServerStream", "request": "7"},
    {"kind": "unary_stream", "method": "ServerStream", "request": "0"},
    {"kind": "stream_unary", "method": "ClientStream", "request": ["a", "bb", "ccc"]},
    {"kind": "stream_unary", "method": "ClientStream", "request": []},
    {"kind": "stream_stream", "method": "BothStreams", "request": ["a", "b", "c", "d"]},
    {"kind": "stream_stream", "method": "BothStreams", "request": ["a"] * 20, "gzip": True},
    unary("fail NOT_FOUND"), unary("fail PERMISSION_DENIED"), unary("fail INTERNAL"),
    {"kind": "unary_unary", "method": "Missing", "request": "x"},
    unary("sleep 5", timeout=0.1),
    {"kind": "unary_stream", "method": "SlowStream", "request": "", "cancel_after": 1},
    {"kind": "unary_unary", "method": "LargeMetadata", "request": "",
     "metadata": [["x-request", "r" * 20000]]},
    unary("after all"),
]


def check_against(call, row, step):
    assert call["rpc_method"] == row["method"], (call, row)
    if row["status"] in ("CANCELLED", "DEADLINE_EXCEEDED") and call["outcome"] == "reset":
        # whoever notices first: else the server answers with that status itself
        assert call["outcome"] == "reset" and call["error"] == "CANCEL", (call, row)
        assert call["failed"]
    else:
        assert call["outcome"] == "complete", (call, row)
        assert call["rpc_status"] == row["status"], (call, row)
        assert call["failed"] == (row["status"] != "OK"), (call, row)
        assert call["complete"], call
    if row["message"] and row["status"] != "DEADLINE_EXCEEDED" and call["outcome"] == "complete":
        assert call["grpc_message"] == row["message"], (call, row)
    assert call["resp_messages"] == row["answers"], (call, row)
    sent = len(step["request"]) if step["kind"].startswith("stream") else 1
    assert call["req_messages"] == sent, (call, row)
    if step.get("timeout"):
        assert 0 < call["timeout_us"] <= step["timeout"] * 1e6 + 1000, call


def every_kind(language):
    sock = grpc_server(language)
    spf = live.Spf("-j", "-k", "call", sock)
    rows = Client(sock, *ALL_KINDS, language=language).finish()
    calls = spf.calls()
    assert len(calls) == len(rows) == len(ALL_KINDS), (len(calls), len(rows))
    for call, row, step in zip(calls, rows, ALL_KINDS):
        check_against(call, row, step)
    large = next(c for c in calls if c["path"].endswith("LargeMetadata"))
    assert live.header(large["request"]["headers"], "x-request") == "r" * 20000
    assert live.header(large["response"]["headers"], "x-large") == "v" * 12000
    assert live.header(large["response"]["trailers"], "x-trailing") == "t" * 12000


def test_grpcio_calls_of_every_kind():
    every_kind(Python())


def test_grpc_js_calls_of_every_kind():
    every_kind(Node())


def test_go_calls_of_every_kind():
    every_kind(Go())


def test_grpcio_messages_are_inflated():
    sock = grpc_server()
    spf = live.Spf("-j", "-k", "message", sock)
    Client(sock, unary("z" * 5000, gzip=True), unary("plain")).finish()
    messages = [r for r in spf.records() if r["kind"] == "message" and r["from"] == "client"]
    assert [(m["compressed"], m["data"]) for m in messages] == \
        [(True, "z" * 5000), (False, "plain")], messages
    assert messages[0]["encoding"] == "gzip" and messages[0]["length"] < 200, messages[0]


def known_share(calls, right):
    """Paths right or unknown; says how many are known."""
    known = 0
    for c in calls:
        if c.get("path", "?").startswith("?"):
            assert not c.get("rpc_method", "?").startswith("live."), c
        else:
            assert c["path"] in right, c
            known += 1
    return f"{known} of {len(calls)} paths known"


def warmed_up(language):
    sock = grpc_server(language)
    warm = [unary("a", times=5), unary("fail NOT_FOUND", times=2)]
    client = Client(sock, *warm, "wait", *warm,
                    {"kind": "stream_stream", "method": "BothStreams", "request": ["a"] * 4},
                    {"kind": "unary_stream", "method": "ServerStream", "request": "0"},
                    unary("fail INTERNAL"), language=language)
    client.until_waiting()
    spf = live.Spf("-j", "-k", "call,gap", sock)
    client.go_on()
    rows = client.finish()[7:]
    calls = spf.calls()
    assert len(calls) == len(rows), (len(calls), len(rows), spf.err())
    share = known_share(calls, {f"/live.Calls/{m}" for m in ("Unary", "BothStreams", "ServerStream")})
    for c, row in zip(calls, rows):
        assert c.get("rpc_status", row["status"]) == row["status"], (c, row)
        assert c.get("rpc_status_likely", row["status"]) == row["status"], (c, row)
        assert not c["complete"] or "rpc_status" in c, c
        assert c["failed"] == (c.get("rpc_status", "OK") != "OK"), c
        assert c["outcome"] == "complete", c
        assert c["resp_messages"] == row["answers"], (c, row)
    known = [c["rpc_status"] for c in calls if "rpc_status" in c]
    likely = [c["rpc_status_likely"] for c in calls if "rpc_status_likely" in c]
    print(f"     {language.name}, attached late: {share}; of as many statuses {len(known)} known, "
          f"{len(likely)} likely")
    assert known == ["INTERNAL"], known  # the others stand in entries from before
    assert len(likely) == 7, likely


def test_grpcio_warmed_up_before_the_attach():
    warmed_up(Python())


def test_grpc_js_warmed_up_before_the_attach():
    warmed_up(Node())


def test_go_warmed_up_before_the_attach():
    warmed_up(Go())
