# SPDX-License-Identifier: BSD-2-Clause
"""The demo.Shop service without generated code: its methods and its one message.

    message Item { string name = 1; uint32 price = 2; }
"""

SERVICE = "demo.Shop"


def varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def read_varint(data, at):
    n = shift = 0
    while True:
        byte = data[at]
        n |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return n, at


def item(name, price=0):
    text = name.encode()
    return b"\x0a" + varint(len(text)) + text + b"\x10" + varint(price)


def read_item(data):
    name, price, at = "", 0, 0
    while at < len(data):
        key, at = read_varint(data, at)
        n, at = read_varint(data, at)
        if key == 0x0A:
            name = data[at:at + n].decode()
            at += n
        elif key == 0x10:
            price = n
    return name, price
