#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A gRPC server and clients for the live tests of calls, with bytes for messages: no protobuf.

usage: calls_peer.py server SOCKET          serves until its stdin ends
       calls_peer.py client SOCKET SCRIPT   does the calls of SCRIPT (a JSON file of steps), prints
                                            what it saw as JSON lines; a step "wait" prints "waiting"
                                            and goes on after a line on stdin
"""
import json
import sys
import time
from concurrent import futures

import grpc

SERVICE = "live.Calls"


def unary(request, context):
    if request.startswith(b"fail "):
        context.abort(grpc.StatusCode[request[5:].decode()], "as you wish: 100 % " + request[5:].decode())
    if request.startswith(b"sleep "):
        start = time.perf_counter()
        time.sleep(float(request[6:]))
        return b"slept %.6f" % (time.perf_counter() - start)
    return request * 2


def server_stream(request, context):
    for i in range(int(request)):
        yield b"item %d" % i


def client_stream(requests, context):
    return b"%d" % sum(len(r) for r in requests)


def both_streams(requests, context):
    for r in requests:
        yield r
        if r == b"last":
            return


def slow_stream(request, context):
    yield b"first"
    while context.is_active():
        time.sleep(0.01)


def large_metadata(request, context):
    context.send_initial_metadata((("x-large", "v" * 12000),))
    context.set_trailing_metadata((("x-trailing", "t" * 12000),))
    return b"ok"


def serve(sock):
    kinds = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "ServerStream": grpc.unary_stream_rpc_method_handler(server_stream),
        "ClientStream": grpc.stream_unary_rpc_method_handler(client_stream),
        "BothStreams": grpc.stream_stream_rpc_method_handler(both_streams),
        "SlowStream": grpc.unary_stream_rpc_method_handler(slow_stream),
        "LargeMetadata": grpc.unary_unary_rpc_method_handler(large_metadata),
    }
    server = grpc.server(futures.ThreadPoolExecutor(16),
                         options=(("grpc.max_metadata_size", 1 << 20),))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, kinds),))
    server.add_insecure_port("unix:" + sock)
    server.start()
    sys.stdin.read()
    server.stop(0.2).wait()


class Client:
    def __init__(self, sock):
        self.channel = grpc.insecure_channel("unix:" + sock, options=(
            ("grpc.max_metadata_size", 1 << 20),))

    def call(self, kind, request, method, **options):
        stub = getattr(self.channel, kind)(f"/{SERVICE}/{method}")
        if options.pop("gzip", False):
            options["compression"] = grpc.Compression.Gzip
        cancel = options.pop("cancel_after", None)
        start = time.perf_counter()
        answers, status, message = [], grpc.StatusCode.OK, ""
        try:
            self.take_answers(answers, stub, kind, request, cancel, options)
        except grpc.RpcError as e:
            status, message = e.code(), e.details()
        return {"method": f"{SERVICE}/{method}", "status": status.name, "message": message,
                "seconds": time.perf_counter() - start, "answers": len(answers),
                "answer": answers[-1].decode() if answers else None}

    @staticmethod
    def take_answers(answers, stub, kind, request, cancel, options):
        if kind.startswith("unary"):
            request = request.encode()
        else:
            request = iter([r.encode() for r in request])
        if kind.endswith("unary"):
            answers.append(stub(request, **options))
            return
        call = stub(request, **options)
        for a in call:
            answers.append(a)
            if cancel == len(answers):
                call.cancel()


def client(sock, steps):
    c = Client(sock)
    for step in steps:
        if step == "wait":
            print("waiting", flush=True)
            sys.stdin.readline()
            continue
        if step.get("metadata"):
            step["metadata"] = tuple(map(tuple, step["metadata"]))
        for _ in range(step.pop("times", 1)):
            print(json.dumps(c.call(**step)), flush=True)
    c.channel.close()


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(sys.argv[2])
    else:
        with open(sys.argv[3], encoding="utf-8") as f:
            client(sys.argv[2], json.load(f))
