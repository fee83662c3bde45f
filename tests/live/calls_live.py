# SPDX-License-Identifier: BSD-2-Clause
"""Calls of live programs against what the programs themselves say of them."""
import json
import os
import statistics
import subprocess
import sys

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
    """npm install --prefix build/live @grpc/grpc-js makes it run."""
    name = "grpc-js"
    modules = os.path.join(live.ROOT, "build/live/node_modules")

    def command(self):
        if not os.path.isdir(os.path.join(self.modules, "@grpc/grpc-js")):
            raise live.Skip("no grpc-js: npm install --prefix build/live @grpc/grpc-js")
        return ["env", "NODE_PATH=" + self.modules, "node", PEER + ".js"]


class Go:
    """apt-get install golang-go golang-google-grpc-dev makes it run; built once."""
    name = "Go"
    binary = os.path.join(live.ROOT, "build/live/calls_peer")

    def command(self):
        if not os.path.exists(self.binary):
            if not os.path.isdir("/usr/share/gocode/src/google.golang.org/grpc"):
                raise live.Skip("no Go gRPC: golang-go, golang-google-grpc-dev")
            os.makedirs(os.path.dirname(self.binary), exist_ok=True)
            env = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode")
            r = subprocess.run(["go", "build", "-o", self.binary, PEER + ".go"], env=env,
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


def calls_of(spf):
    """The calls of live.Calls, in the order in which they began."""
    calls = [r for r in spf.records() if r["kind"] == "call"]
    return sorted(calls, key=lambda c: c["start"])


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
    calls = calls_of(spf)
    assert len(calls) == len(rows) == len(ALL_KINDS), (len(calls), len(rows))
    for call, row, step in zip(calls, rows, ALL_KINDS):
        check_against(call, row, step)
    large = next(c for c in calls if c["path"].endswith("LargeMetadata"))
    assert live_header(large["request"]["headers"], "x-request") == "r" * 20000
    assert live_header(large["response"]["headers"], "x-large") == "v" * 12000
    assert live_header(large["response"]["trailers"], "x-trailing") == "t" * 12000


def test_grpcio_calls_of_every_kind():
    every_kind(Python())


def test_grpc_js_calls_of_every_kind():
    every_kind(Node())


def test_go_calls_of_every_kind():
    every_kind(Go())


def live_header(headers, name):
    return next((h["value"] for h in headers if h["name"] == name), None)


def test_grpcio_messages_are_inflated():
    sock = grpc_server()
    spf = live.Spf("-j", "-k", "message", sock)
    Client(sock, unary("z" * 5000, gzip=True), unary("plain")).finish()
    messages = [r for r in spf.records() if r["kind"] == "message" and r["from"] == "client"]
    assert [(m["compressed"], m["data"]) for m in messages] == \
        [(True, "z" * 5000), (False, "plain")], messages
    assert messages[0]["encoding"] == "gzip" and messages[0]["length"] < 200, messages[0]


def known_share(calls, right):
    """Statuses and counts right, paths right or unknown; says how many are known."""
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
                    language=language)
    client.until_waiting()
    spf = live.Spf("-j", "-k", "call,gap", sock)
    client.go_on()
    rows = client.finish()[7:]
    calls = calls_of(spf)
    assert len(calls) == len(rows), (len(calls), len(rows), spf.err())
    share = known_share(calls, {"/live.Calls/Unary", "/live.Calls/BothStreams"})
    for c, row in zip(calls, rows):
        assert c.get("rpc_status", row["status"]) == row["status"], (c, row)
        assert c["outcome"] == "complete", c
        assert c["resp_messages"] == row["answers"], (c, row)
    known = sum("rpc_status" in c for c in calls)
    print(f"     {language.name}, attached late: {share}, {known} statuses known")


def test_grpcio_warmed_up_before_the_attach():
    warmed_up(Python())


def test_grpc_js_warmed_up_before_the_attach():
    warmed_up(Node())


def test_go_warmed_up_before_the_attach():
    warmed_up(Go())


def within(got_us, want_us):
    return abs(got_us - want_us) <= 200 + 0.02 * want_us


def test_latency_as_the_client_and_time_as_the_server_measured():
    sock = grpc_server()
    naps = [0, 0.001, 0.01, 0.1]
    Client(sock, unary("a")).finish()
    spf = live.Spf("-j", "-k", "call", sock)
    steps = [unary(f"sleep {nap}", times=20 if nap < 0.1 else 8) for nap in naps]
    rows = Client(sock, unary("warm", times=10), *steps).finish()[10:]
    calls = calls_of(spf)[10:]
    assert len(calls) == len(rows)
    at = 0
    for nap, step in zip(naps, steps):
        n = 20 if nap < 0.1 else 8
        mine, seen = calls[at:at + n], rows[at:at + n]
        at += n
        latency = statistics.median(c["latency_us"] for c in mine)
        server = statistics.median(c["server_us"] for c in mine)
        queue = statistics.median(c["queue_us"] for c in mine)
        client_us = statistics.median(r["seconds"] for r in seen) * 1e6
        slept_us = statistics.median(float(r["answer"].split()[1]) for r in seen) * 1e6
        print(f"     sleep {nap}: latency {latency:.0f} us (client {client_us:.0f}), server "
              f"{server:.0f} us (server slept {slept_us:.0f}), sockets {queue:.0f} us")
        assert within(latency, client_us) and within(server, slept_us), (latency, server)
        assert server >= slept_us and latency <= client_us, (latency, server)


def test_a_server_that_does_not_read_is_time_in_the_socket():
    sock = live.path("slow.sock")
    server = f"""
import socket, time
s = socket.socket(socket.AF_UNIX); s.bind({sock!r}); s.listen()
for i in range(3):
    c, _ = s.accept()
    time.sleep(0.05)
    c.recv(65536)
    c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
    c.close()
"""
    live.start(PYTHON, "-c", server)
    live.until(lambda: os.path.exists(sock), "the server listens")
    spf = live.Spf("-j", "-k", "call", sock)
    for _ in range(3):
        live.run("curl", "-s", "--unix-socket", sock, "http://x/slow")
    calls = calls_of(spf)
    assert len(calls) == 3, calls
    for c in calls:
        assert 50_000 <= c["queue_us"] < 80_000 and c["server_us"] < 20_000, c
        assert abs(c["latency_us"] - c["queue_us"] - c["server_us"]) < 2, c


def start_nginx(name, http):
    if not os.path.exists("/usr/lib/nginx/modules/ngx_http_echo_module.so"):
        raise live.Skip("nginx with its echo module is not installed")
    conf = live.path(f"{name}.conf")
    with open(conf, "w") as f:
        f.write(f"""load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;
daemon off; user root; worker_processes 1; pid {live.path(name + ".pid")}; error_log stderr;
events {{ }}
http {{ {http} }}
""")
    live.start("/usr/sbin/nginx", "-c", conf, "-p", live.DIR)


def nginx():
    sock, root, log = live.path("nginx.sock"), live.path("www"), live.path("access.log")
    os.makedirs(root, exist_ok=True)
    for old in sock, log:
        if os.path.exists(old):
            os.unlink(old)
    with open(os.path.join(root, "hello"), "w") as f:
        f.write("hello " * 200)
    start_nginx("nginx", f"""
log_format seen '$request_method $request_uri $status $body_bytes_sent';
access_log {log} seen; gzip on; gzip_types *; keepalive_requests 1000000;
server {{ listen unix:{sock}; root {root};
  location = /no {{ return 204; }}
  location = /chunked {{ default_type text/plain; echo one; echo two; }} }}""")
    live.until(lambda: os.path.exists(sock) and live.can_connect(sock), "nginx listens")
    return sock


def test_nginx_under_curl():
    sock = nginx()
    spf = live.Spf("-j", "-k", "http,call", sock)
    base = ["curl", "-s", "--unix-socket", sock, "-o", "/dev/null"]
    live.run(*base, "http://d/hello", "-o", "/dev/null", "http://d/missing")
    live.run(*base, "-I", "http://d/hello")
    live.run(*base, "--compressed", "http://d/hello")
    live.run(*base, "http://d/no", "-o", "/dev/null", "http://d/chunked")
    live.run(*base, "-d", "field=value", "http://d/hello")
    records = spf.records()
    calls = [r for r in records if r["kind"] == "call"]
    with open(live.path("access.log")) as f:
        logged = [l.split() for l in f]
    assert [(c["method"], c["path"], c["status"]) for c in calls] == \
        [(m, p, int(s)) for m, p, s, _ in logged], (calls, logged)
    for c, (_, _, _, sent) in zip(calls, logged):
        # nginx counts chunk framing in, spf does not
        assert c["resp_bytes"] == int(sent) or c["path"] == "/chunked" or \
            c["resp_bytes"] < int(sent), (c, sent)
    packed = [r for r in records if r["kind"] == "http" and r["what"] == "response" and
              live_header(r["headers"], "Content-Encoding") == "gzip"]
    assert packed and all(r["body"] == "hello " * 200 for r in packed), packed
    assert all(c["complete"] and not c.get("violation") for c in calls), calls


def test_nginx_under_wrk():
    sock = nginx()
    script = live.path("wrk.lua")
    with open(script, "w") as f:
        f.write('wrk.path = "/hello"\n')
    relay = live.free_port()
    # wrk speaks TCP only: a second nginx passes its requests on to the socket.
    start_nginx("front", f"""access_log off; upstream u {{ server unix:{sock}; keepalive 8; }}
server {{ listen 127.0.0.1:{relay}; location / {{ proxy_pass http://u; proxy_http_version 1.1;
  proxy_set_header Connection ""; }} }}""")
    live.until(lambda: live.can_connect(("127.0.0.1", relay)), "the front listens")
    spf = live.Spf("-v", "-k", "call", "-F", "method,path,status,outcome,complete", "-T", "tsv",
                   sock)
    live.run("wrk", "-t1", "-c8", "-d3s", "-s", script, f"http://127.0.0.1:{relay}/")
    rows = [l.split("\t") for l in spf.finish().decode().splitlines()[1:]]
    with open(live.path("access.log")) as f:
        logged = sum(1 for _ in f)
    done = [r for r in rows if r[3] == "complete"]
    print(f"     wrk: nginx logged {logged}, spf saw {len(done)} complete calls")
    # Under loss a call may be known in part, and says so; what it calls complete is right.
    wrong = [r for r in done if r[4] == "true" and r[:3] != ["GET", "/hello", "200"]]
    assert not wrong, wrong[:5]
    if len(done) < logged:
        assert "lost" in spf.err(), spf.err()


def test_etcd_over_unix_sockets():
    if live.run("which", "etcd").returncode:
        raise live.Skip("etcd is not installed")
    sock, url, peer = live.path("etcd.sock:0"), "unix://etcd.sock:0", "unix://peer.sock:0"
    # etcd takes a socket's name for a host and port: relative to where it runs
    live.start("etcd", "--data-dir", live.path("etcd.data"), "--listen-client-urls", url,
               "--advertise-client-urls", url, "--listen-peer-urls", peer,
               "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
               cwd=live.DIR)
    live.until(lambda: os.path.exists(sock) and live.can_connect(sock), "etcd listens")
    env = dict(os.environ, ETCDCTL_API="3")
    ctl = ["etcdctl", "--endpoints", url]
    live.until(lambda: live.run(*ctl, "get", "x", env=env, cwd=live.DIR).returncode == 0,
               "etcd answers")
    # The name that etcd binds is relative, so no path names it: all sockets are watched.
    spf = live.Spf("-j", "-k", "call")
    for args in (["put", "k", "v"], ["get", "k"], ["del", "k"], ["lease", "grant", "30"],
                 ["member", "list"]):
        r = live.run(*ctl, *args, env=env, cwd=live.DIR)
        assert r.returncode == 0, r
    got = [c.get("rpc_method") for c in calls_of(spf) if c["addr"] == "etcd.sock:0"]
    want = ["etcdserverpb.KV/Put", "etcdserverpb.KV/Range", "etcdserverpb.KV/DeleteRange",
            "etcdserverpb.Lease/LeaseGrant", "etcdserverpb.Cluster/MemberList"]
    assert [m for m in got if m in want] == want, got


def test_containerd_under_ctr():
    if live.run("which", "containerd").returncode:
        raise live.Skip("containerd is not installed")
    sock = live.path("containerd.sock")
    conf = live.path("containerd.toml")
    with open(conf, "w") as f:
        f.write(f"""version = 2
root = "{live.path("containerd.root")}"
state = "{live.path("containerd.state")}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "{sock}"
""")
    live.start("containerd", "--config", conf)
    live.until(lambda: os.path.exists(sock) and live.can_connect(sock), "containerd listens")
    spf = live.Spf("-j", "-k", "call", sock)
    for args in (["version"], ["namespaces", "ls"], ["namespaces", "create", "spf"],
                 ["images", "ls"], ["containers", "ls"], ["namespaces", "rm", "nobody"]):
        live.run("ctr", "-a", sock, *args)
    calls = calls_of(spf)
    got = [c.get("rpc_method", "").removeprefix("containerd.services.") for c in calls]
    want = ["version.v1.Version/Version", "namespaces.v1.Namespaces/List",
            "namespaces.v1.Namespaces/Create", "images.v1.Images/List",
            "containers.v1.Containers/ListStream", "namespaces.v1.Namespaces/Delete"]
    assert [m for m in got if m in want] == want, got
    assert calls[-1]["rpc_status"] == "NOT_FOUND", calls[-1]


if __name__ == "__main__":
    sys.exit("run me by tests/live/run.py")
