#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reads captures with spf and with tshark: CPU time, wall time, peak memory, and the same counts.

The captures are made here, on loopback, recorded by dumpcap: h2load against nghttpd, with the
headers of a browser behind a gateway (h2) and with few (h2-small), grpcio (grpc), wrk against
nginx (http1). Sizes in megabytes. tshark reads up to TSHARK_MB only (HTTP/1, of which it is
quicker, up to ten times that), since it keeps what it has seen. Each command is printed; what it writes goes to /dev/null, but for what is counted. Each of
spf is run ROUNDS times, of which the one with the least CPU time counts; tshark once.

usage: replay.py SPF [SIZE…]      environment: KINDS, TSHARK_MB (10), ROUNDS (3), KEEP=DIR
"""
import os, shlex, shutil, socket, subprocess, sys, tempfile, threading, time



def grpc_serve(port):
    import concurrent.futures, grpc

    def get(request, context):
        context.set_trailing_metadata((("x-served-by", "bench-1"),))
        return request[:64]

    def list_all(request, context):
        for _ in range(50):
            yield request

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Shop", {
        "Get": grpc.unary_unary_rpc_method_handler(get),
        "List": grpc.unary_stream_rpc_method_handler(list_all)}),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


def grpc_load(port):
    import grpc
    metadata = (("x-request-id", "5f1c07d7-7f0e-4b1b"), ("authorization", "Bearer eyJhbGciOiJIUzI1NiJ9"))

    def calls():
        channel = grpc.insecure_channel(f"127.0.0.1:{port}",
                                        options=[("grpc.use_local_subchannel_pool", 1)])
        get = channel.unary_unary("/bench.Shop/Get")
        list_all = channel.unary_stream("/bench.Shop/List")
        while True:
            for _ in range(10):
                get(b"x" * 100, metadata=metadata)
            for _ in list_all(b"y" * 200, metadata=metadata):
                pass

    for _ in range(4):
        threading.Thread(target=calls, daemon=True).start()
    threading.Event().wait()


if sys.argv[1] in ("--grpc-serve", "--grpc-load"):
    (grpc_serve if sys.argv[1] == "--grpc-serve" else grpc_load)(int(sys.argv[2]))

SPF = os.path.abspath(sys.argv[1])
SIZES = [int(s) for s in sys.argv[2:]] or [10, 100, 500]
TSHARK_MB = int(os.environ.get("TSHARK_MB", "10"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
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


def write(name, text):
    path = os.path.join(DIR, name)
    with open(path, "w") as f:
        f.write(text)
    return path


# What a browser and the gateway before a service add to a request.
HEADERS = {
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-language": "en-US,en;q=0.5", "accept-encoding": "gzip, deflate, br",
    "referer": "https://shop.example/catalog?page=2", "origin": "https://shop.example",
    "cookie": "session=0f9c2b7e5d; theme=dark; consent=yes", "cache-control": "no-cache",
    "sec-fetch-dest": "document", "sec-fetch-mode": "navigate", "sec-fetch-site": "same-origin",
    "x-forwarded-for": "203.0.113.7", "x-forwarded-proto": "https", "x-request-id": "5f1c07d7-4b1b",
    "authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}
FEW = {"x-request-id": "5f1c07d7", "user-agent": "bench/1.0",
       "authorization": "Bearer eyJhbGciOiJIUzI1NiJ9"}


def serve_h2(port, headers=HEADERS):
    os.makedirs(os.path.join(DIR, "shop"), exist_ok=True)
    paths = [f"shop/item-{n}" for n in range(64)]
    for path in paths:
        with open(os.path.join(DIR, path), "w") as f:
            f.write("hello\n")
    uris = write("uris", "".join(f"http://127.0.0.1:{port}/{p}\n" for p in paths))
    start("nghttpd", "--no-tls", "-a", "127.0.0.1", "-d", DIR, str(port))
    until_open(port)
    more = [a for name, value in headers.items() for a in ("-H", f"{name}: {value}")]
    return ["h2load", "-D", "600", "-c", "4", "-m", "20", *more, "-i", uris]


def serve_h2_small(port):
    return serve_h2(port, FEW)


def serve_grpc(port):
    start(sys.executable, __file__, "--grpc-serve", str(port))
    until_open(port)
    return [sys.executable, __file__, "--grpc-load", str(port)]


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
    """The best of some runs of a command; with is_kept its output is kept."""

    def __init__(self, *command, is_kept=False, rounds=1):
        self.command = command
        runs = [self.once(is_kept) for _ in range(rounds)]
        self.cpu, self.wall, self.peak = min(runs)

    def once(self, is_kept):
        out = os.path.join(DIR, "out")
        began = time.monotonic()
        with open(out if is_kept else os.devnull, "wb") as f, \
                open(os.path.join(DIR, "err"), "wb") as err:
            pid = subprocess.Popen(self.command, stdout=f, stderr=err,
                                   stdin=subprocess.DEVNULL).pid
            _, status, usage = os.wait4(pid, 0)
        if status:
            sys.exit(f"{self.command} failed: {open(os.path.join(DIR, 'err')).read()[-500:]}")
        if is_kept:
            with open(out, "rb") as f:
                self.out = f.read().decode().strip()
        return usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss / 1024

    def row(self, base=None):
        ratio = f"{self.cpu / base.cpu:6.1f}x" if base else "       "
        command = shlex.join(self.command).replace(SPF, "spf").replace(DIR + "/", "").replace(
            KEEP + "/", "")
        print(f"  {self.cpu:8.2f} s CPU {self.wall:8.2f} s {self.peak:6.0f} MiB {ratio}  {command}",
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
H2_FIELDS = ["http2.type", "http2.streamid", "http2.header.name", "http2.header.value"]
H2 = dict(proto="http2", path="http2.headers.path", kind="frame", fields=H2_FIELDS,
          columns="type,stream_id,headers",
          hook='on_frame(f)\n  if f.type ~= "HEADERS" or f.from ~= "client" then return end')
KINDS = {
    "h2": dict(H2, serve=serve_h2),
    "h2-small": dict(H2, serve=serve_h2_small),
    "grpc": dict(H2, serve=serve_grpc),
    "http1": dict(tshark=10, serve=serve_http1, proto="http", path="http.request.uri", kind="http",
                  fields=["http.request.method", "http.request.uri", "http.response.code"],
                  columns="method,path,status",
                  hook='on_http(f)\n  if f.what ~= "request" then return end'),
}
OTHERS = {  # of HTTP/1; what they print is not the same, it is what they are for
    "httpry": lambda path, port: ["httpry", "-q", "-r", path, f"tcp port {port}"],
    "tcpflow": lambda path, port: ["tcpflow", "-q", "-r", path, "-o", os.path.join(DIR, "flows")],
    "suricata": lambda path, port: ["suricata", "-r", path, "-l", DIR],
}


def bench(name, megabytes):
    k = KINDS[name]
    path, port = record(name, megabytes, k["serve"])
    size = os.path.getsize(path) / 1e6
    script = write("count.lua", COUNT % k["hook"])
    print(f"{name}, {size:.0f} MB:")
    columns = Run(SPF, "-q", "-r", path, "-k", k["kind"], "-F", k["columns"], rounds=ROUNDS)
    count = Run(SPF, "-q", "-r", path, "-s", script, is_kept=True, rounds=ROUNDS)
    json = Run(SPF, "-q", "-r", path, "-k", k["kind"], "-j", rounds=ROUNDS)
    for run in columns, count, json:
        run.row()
    if megabytes > TSHARK_MB * k.get("tshark", 1):
        return
    if not shutil.which("tshark"):
        return print("  skip: tshark is not installed")
    base = ["tshark", "-r", path, "-d", f"tcp.port=={port},{k['proto']}"]
    tap = write("tap.lua", TAP % (k["path"], k["proto"]))
    fields = [a for f in k["fields"] for a in ("-e", f)]
    Run(*base, "-Y", k["proto"], "-T", "fields", *fields).row(columns)
    tapped = Run(*base, "-q", "-X", "lua_script:" + tap, is_kept=True)
    tapped.row(count)
    Run(*base, "-Y", k["proto"], "-T", "json").row(json)
    print(f"  paths counted: spf {count.out}, tshark {tapped.out.splitlines()[-1]}")
    for other, command in OTHERS.items() if name == "http1" else ():
        if shutil.which(other):
            Run(*command(path, port)).row(columns)
        else:
            print(f"  skip: {other} is not installed")


def has_all(name):
    needs = {"h2": ["h2load", "nghttpd"], "h2-small": ["h2load", "nghttpd"], "grpc": [],
             "http1": ["wrk", "nginx"]}[name] + ["dumpcap"]
    missing = [n for n in needs if not shutil.which(n, path=os.environ["PATH"] + ":/usr/sbin")]
    if name == "grpc" and subprocess.run([sys.executable, "-c", "import grpc"],
                                         stderr=subprocess.DEVNULL).returncode:
        missing.append("python3-grpcio")
    if missing:
        print(f"skip: {name}: {', '.join(missing)} not installed")
    return not missing


try:
    for which in os.environ.get("KINDS", " ".join(KINDS)).split():
        for n in SIZES if has_all(which) else ():
            bench(which, n)
finally:
    for proc in reversed(started):
        end(proc)
    shutil.rmtree(DIR)
