#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads captures with spf and with tshark: CPU time, wall time, peak memory, and the same counts.

The captures are made here, on loopback: h2load against nghttpd (many small requests with headers)
and wrk against nginx, recorded by dumpcap. Sizes in megabytes; past TSHARK_MB only spf reads,
since tshark keeps what it has seen.

usage: replay.py SPF [SIZE…]      environment: TSHARK_MB (100), KEEP=DIR for the captures
"""
import os, shutil, signal, socket, subprocess, sys, tempfile, time

SPF = os.path.abspath(sys.argv[1])
SIZES = [int(s) for s in sys.argv[2:]] or [10, 100, 500]
TSHARK_MB = int(os.environ.get("TSHARK_MB", "100"))
DIR = tempfile.mkdtemp(prefix="spf-replay.")
os.chmod(DIR, 0o755)
KEEP = os.environ.get("KEEP", DIR)
started = []


def start(*command):
    log = open(os.path.join(DIR, "log"), "ab")
    p = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    started.append(p)
    return p


def end(p):
    if p.poll() is None:
        p.terminate()
        p.wait()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until_open(port):
    for _ in range(500):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    sys.exit(f"nothing listens on {port}")


def serve_h2(port):
    with open(os.path.join(DIR, "index.html"), "w") as f:
        f.write("hello\n")
    start("nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", DIR, str(port))
    until_open(port)
    return ["h2load", "-D", "600", "-c", "4", "-m", "20", "-H", "x-request-id: 5f1c07d7",
            "-H", "user-agent: bench/1.0", "-H", "authorization: Bearer eyJhbGciOiJIUzI1NiJ9",
            f"http://127.0.0.1:{port}/index.html"]


def serve_http1(port):
    conf = os.path.join(DIR, "nginx.conf")
    with open(conf, "w") as f:
        f.write(f"daemon off; pid {DIR}/pid; error_log /dev/null; events {{}}\n"
                f"http {{ access_log off; keepalive_requests 1000000000;\n"
                f"server {{ listen 127.0.0.1:{port}; location / {{ return 200 hello; }} }} }}\n")
    start("nginx", "-p", DIR, "-c", conf)
    until_open(port)
    return ["wrk", "-t1", "-c4", "-d600s", f"http://127.0.0.1:{port}/a/path?with=query"]


def record(name, megabytes, serve):
    """A capture of that many megabytes, and its port."""
    path = os.path.join(KEEP, f"{name}-{megabytes}.pcapng")
    note = path + ".port"
    if os.path.exists(note):
        return path, int(open(note).read())
    port = free_port()
    client = serve(port)
    dump = start("dumpcap", "-q", "-i", "lo", "-f", f"tcp port {port}", "-B", "256",
                 "-a", f"filesize:{megabytes * 1000}", "-w", path)
    time.sleep(1)
    load = start(*client)
    dump.wait()
    for p in [load, *reversed(started)]:
        end(p)
    started.clear()
    with open(note, "w") as f:
        f.write(str(port))
    os.chmod(path, 0o644)
    return path, port


class Run:
    def __init__(self, *command):
        began = time.monotonic()
        out = os.path.join(DIR, "out")
        with open(out, "wb") as f, open(os.path.join(DIR, "err"), "wb") as err:
            pid = subprocess.Popen(command, stdout=f, stderr=err, stdin=subprocess.DEVNULL).pid
            _, status, usage = os.wait4(pid, 0)
        if status:
            sys.exit(f"{command} failed: {open(os.path.join(DIR, 'err')).read()[-500:]}")
        self.wall = time.monotonic() - began
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss / 1024
        with open(out, "rb") as f:
            self.out = f.read() if os.path.getsize(out) < 4096 else b""

    def row(self, what, base=None):
        ratio = f"{self.cpu / base.cpu:7.1f}x" if base else ""
        print(f"  {what:<34} {self.cpu:8.2f} s CPU {self.wall:8.2f} s {self.peak:8.0f} MiB {ratio}",
              flush=True)


TAP = """local path, n = Field.new("%s"), 0
local tap = Listener.new("frame", "%s")
function tap.packet() for _ in pairs { path() } do n = n + 1 end end
function tap.draw() print(n) end
"""
COUNT = """local n, total = {}, 0
function %s
  local p = f.path or "?"
  n[p] = (n[p] or 0) + 1
  total = total + 1
end
function on_end() print(total) end
"""
KINDS = {
    "h2": dict(serve=serve_h2, proto="http2", path="http2.headers.path", kind="frame",
               fields=["http2.type", "http2.streamid", "http2.header.name", "http2.header.value"],
               columns="type,stream_id,headers",
               hook='on_frame(f)\n  if f.type ~= "HEADERS" or f.from ~= "client" then return end'),
    "http1": dict(serve=serve_http1, proto="http", path="http.request.uri", kind="http",
                  fields=["http.request.method", "http.request.uri", "http.response.code"],
                  columns="method,path,status",
                  hook="on_http(f)\n  if f.is_response or f.status then return end"),
}


def write(name, text):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def bench(name, megabytes):
    k = KINDS[name]
    path, port = record(name, megabytes, k["serve"])
    size = os.path.getsize(path) / 1e6
    script = write("count.lua", COUNT % k["hook"])
    print(f"{name}, {size:.0f} MB:")
    mine = {
        "columns": Run(SPF, "-q", "-r", path, "-k", k["kind"], "-F", k["columns"]),
        "count by path, Lua": Run(SPF, "-q", "-r", path, "-s", script),
        "JSON of all": Run(SPF, "-q", "-r", path, "-k", k["kind"], "-j"),
    }
    for what, run in mine.items():
        run.row("spf " + what)
    if megabytes > TSHARK_MB or not shutil.which("tshark"):
        return
    base = ["tshark", "-r", path, "-d", f"tcp.port=={port},{k['proto']}"]
    tap = write("tap.lua", TAP % (k["path"], k["proto"]))
    fields = [a for f in k["fields"] for a in ("-e", f)]
    Run(*base, "-Y", k["proto"], "-T", "fields", *fields).row("tshark -T fields", mine["columns"])
    r = Run(*base, "-q", "-X", "lua_script:" + tap)
    r.row("tshark Lua tap", mine["count by path, Lua"])
    Run(*base, "-Y", k["proto"], "-T", "json").row("tshark -T json", mine["JSON of all"])
    print(f"  paths counted: spf {mine['count by path, Lua'].out.decode().strip()}, "
          f"tshark {r.out.decode().strip().splitlines()[-1]}")


try:
    for n in SIZES:
        for which in KINDS:
            bench(which, n)
finally:
    for proc in reversed(started):
        end(proc)
    shutil.rmtree(DIR)
