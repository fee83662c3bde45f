#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The customer: calls each method of the shop a known number of times, then says how often
and how many of the calls failed. usage: client.py SOCKET [ROUNDS]
"""
import sys
from collections import Counter

import grpc
from shop import SERVICE, item, read_item

calls, errors = Counter(), Counter()


def call(method, run):
    """One call; run() makes it and takes its whole answer."""
    calls[method] += 1
    try:
        run()
    except grpc.RpcError:
        errors[method] += 1


def shop_round(channel, n):
    def path(method):
        return f"/{SERVICE}/{method}"

    get = channel.unary_unary(path("GetItem"))
    ls = channel.unary_stream(path("ListItems"))
    add = channel.stream_unary(path("AddItems"))
    haggle = channel.stream_stream(path("Haggle"))
    buy = channel.unary_unary(path("Buy"))
    deliver = channel.unary_unary(path("Deliver"))
    basket = [item(name, n + 1) for name in ("tea", "bread", "cheese")]

    for name in ("tea", "bread", "cheese", "apples", "gold"):
        call("GetItem", lambda: read_item(get(item(name))))
    for _ in range(2):
        call("ListItems", lambda: list(ls(b"")))
    call("AddItems", lambda: add(iter(basket)))
    call("Haggle", lambda: list(haggle(iter(basket))))
    call("Buy", lambda: buy(item("tea", 1)))
    if n == 0:
        call("Deliver", lambda: deliver(item("tea"), timeout=0.05))
        call("Deliver", lambda: deliver(item("tea"), timeout=10))


def main():
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    with grpc.insecure_channel("unix:" + sys.argv[1]) as channel:
        grpc.channel_ready_future(channel).result(timeout=10)
        for n in range(rounds):
            shop_round(channel, n)
    for method, n in sorted(calls.items()):
        print(f"{SERVICE}/{method} {n} {errors[method]}")


if __name__ == "__main__":
    main()
