# SPDX-License-Identifier: BSD-2-Clause
"""Calls of daemons that many people run, on sockets of their own: nginx, etcd, containerd."""
import os

import live

NEEDS_CAPTURE = True


def start_nginx(name, http):
    binary = live.program("nginx")
    echo = "usr/lib/nginx/modules/ngx_http_echo_module.so"
    echo = next((p for p in (os.path.join(live.PEERS, echo), "/" + echo) if os.path.exists(p)), None)
    if not echo:
        raise live.Skip("nginx has no echo module: tests/live/peers.sh brings it")
    temps = " ".join(f"{t}_temp_path {live.path(name + '.' + t)};" for t in
                     ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    conf = live.path(f"{name}.conf")
    with open(conf, "w") as f:
        f.write(f"""load_module {echo};
daemon off; user root; worker_processes 1; pid {live.path(name + ".pid")}; error_log stderr;
events {{ }}
http {{ {temps} {http} }}
""")
    live.start(binary, "-c", conf, "-p", live.DIR, "-e", "stderr")


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
              live.header(r["headers"], "Content-Encoding") == "gzip"]
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
    etcd, etcdctl = live.program("etcd"), live.program("etcdctl")
    sock, url, peer = live.path("etcd.sock:0"), "unix://etcd.sock:0", "unix://peer.sock:0"
    # etcd takes a socket's name for a host and port: relative to where it runs
    live.start(etcd, "--data-dir", live.path("etcd.data"), "--listen-client-urls", url,
               "--advertise-client-urls", url, "--listen-peer-urls", peer,
               "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
               cwd=live.DIR)
    live.until(lambda: os.path.exists(sock) and live.can_connect(sock), "etcd listens")
    env = dict(os.environ, ETCDCTL_API="3")
    ctl = [etcdctl, "--endpoints", url]
    live.until(lambda: live.run(*ctl, "get", "x", env=env, cwd=live.DIR).returncode == 0,
               "etcd answers")
    # The name that etcd binds is relative, so no path names it: all sockets are watched.
    spf = live.Spf("-j", "-k", "call")
    for args in (["put", "k", "v"], ["get", "k"], ["del", "k"], ["lease", "grant", "30"],
                 ["member", "list"]):
        r = live.run(*ctl, *args, env=env, cwd=live.DIR)
        assert r.returncode == 0, r
    got = [c.get("rpc_method") for c in spf.calls() if c["addr"] == "etcd.sock:0"]
    want = ["etcdserverpb.KV/Put", "etcdserverpb.KV/Range", "etcdserverpb.KV/DeleteRange",
            "etcdserverpb.Lease/LeaseGrant", "etcdserverpb.Cluster/MemberList"]
    assert [m for m in got if m in want] == want, got


def test_containerd_under_ctr():
    containerd, ctr = live.program("containerd"), live.program("ctr")
    sock = live.path("containerd.sock")
    conf = live.path("containerd.toml")
    with open(conf, "w") as f:
        f.write(f"""version = 2
root = "{live.path("containerd.root")}"
state = "{live.path("containerd.state")}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs"]
[plugins."io.containerd.internal.v1.opt"]
  path = "{live.path("containerd.opt")}"
[grpc]
  address = "{sock}"
""")
    live.start(containerd, "--config", conf)
    live.until(lambda: os.path.exists(sock) and live.can_connect(sock), "containerd listens")
    spf = live.Spf("-j", "-k", "call", sock)
    for args in (["version"], ["namespaces", "ls"], ["namespaces", "create", "spf"],
                 ["images", "ls"], ["containers", "ls"], ["namespaces", "rm", "nobody"]):
        live.run(ctr, "-a", sock, *args)
    calls = spf.calls()
    got = [c.get("rpc_method", "").removeprefix("containerd.services.") for c in calls]
    want = ["version.v1.Version/Version", "namespaces.v1.Namespaces/List",
            "namespaces.v1.Namespaces/Create", "images.v1.Images/List",
            "containers.v1.Containers/ListStream", "namespaces.v1.Namespaces/Delete"]
    assert [m for m in got if m in want] == want, got
    assert calls[-1]["rpc_status"] == "NOT_FOUND", calls[-1]
