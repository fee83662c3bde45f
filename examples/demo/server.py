#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The shop: a gRPC server on a unix socket. usage: server.py SOCKET

Prints "ready" once it listens; ends at SIGTERM.
"""
import signal
import sys
import time
from concurrent import futures

import grpc
from shop import SERVICE, item, read_item

PRICES = {"tea": 4, "bread": 3, "cheese": 7, "apples": 2}


def get_item(request, context):
    name, _ = read_item(request)
    if name not in PRICES:
        context.abort(grpc.StatusCode.NOT_FOUND, f"no {name} in this shop")
    return item(name, PRICES[name])


def list_items(request, context):
    for name, price in PRICES.items():
        yield item(name, price)


def add_items(requests, context):
    return item("sum", sum(read_item(r)[1] for r in requests))


def haggle(requests, context):
    for r in requests:
        name, price = read_item(r)
        yield item(name, price - price // 4)


def buy(request, context):
    context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "sold out")


def deliver(request, context):
    time.sleep(0.3)
    return request


HANDLERS = {
    "GetItem": grpc.unary_unary_rpc_method_handler(get_item),
    "ListItems": grpc.unary_stream_rpc_method_handler(list_items),
    "AddItems": grpc.stream_unary_rpc_method_handler(add_items),
    "Haggle": grpc.stream_stream_rpc_method_handler(haggle),
    "Buy": grpc.unary_unary_rpc_method_handler(buy),
    "Deliver": grpc.unary_unary_rpc_method_handler(deliver),
}


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, HANDLERS),))
    if not server.add_insecure_port("unix:" + sys.argv[1]):
        sys.exit(f"cannot listen on {sys.argv[1]}")
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: server.stop(0))
    print("ready", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
