# SPDX-License-Identifier: BSD-2-Clause
"""The order of what processes say to each other, when all of them are busy."""
import os
import re
import sys

import live

NEEDS_CAPTURE = True

CHAIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "chain.py")
PAIRS = int(os.environ.get("SPF_ORDER_PAIRS", "100000"))  # of requests and responses
HOPS = 3
CHAINS = 2  # of 4 processes each


def hop(chain, i):
    return live.path(f"order{chain}.{i}")


def start_chain(chain, rounds):
    """Its client."""
    live.start(sys.executable, CHAIN, "server", hop(chain, HOPS - 1))
    for i in range(HOPS - 1):
        live.start(sys.executable, CHAIN, "relay", hop(chain, i), hop(chain, i + 1))
    return live.start(sys.executable, CHAIN, "client", hop(chain, 0), str(rounds))


def test_no_response_is_before_its_request_in_100000_pairs_of_8_busy_processes():
    # What a process says comes of what it was told, so one order is right for a whole chain,
    # over all of its connections: down by each hop, and back.
    rounds = -(-PAIRS // HOPS // CHAINS)
    spf = live.Spf("-v", "-k", "chunk", "-T", "tsv", "-F", "addr,from,offset,length",
                   live.path("order*"))
    clients = [start_chain(c, rounds) for c in range(CHAINS)]
    for c in clients:
        assert c.wait(55) == 0
    lines = [line.split("\t") for line in spf.finish().decode().splitlines()]
    want = [("client", i) for i in range(HOPS)] + [("server", i) for i in reversed(range(HOPS))]
    for chain in range(CHAINS):
        seen = [line for line in lines if line[0].startswith(live.path(f"order{chain}."))]
        for n, (addr, sender, offset, length) in enumerate(seen):
            who, i = want[n % len(want)]
            turn = [hop(chain, i), who, str(64 * (n // len(want))), "64"]
            assert [addr, sender, offset, length] == turn, f"record {n} of chain {chain}: " \
                f"{[addr, sender, offset, length]} in the place of {turn}"
        assert len(seen) == rounds * len(want), f"{len(seen)} records of {rounds * len(want)}"
    order = re.search(r"order: (\d+) late, (\d+) forced", spf.err())
    assert order and order.groups() == ("0", "0"), spf.err()
