# SPDX-License-Identifier: BSD-2-Clause
"""Another machine: a TCP of its own behind a tun device, which sends what a test tells it to, in
whatever order and however often, and keeps what it is sent."""
import fcntl
import os
import select
import socket
import struct
import threading

import live

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Connection:
    """The machine's end of one connection."""

    def __init__(self, machine, own, other):
        self.machine, self.own, self.other = machine, own, other
        self.first = self.next = 1000  # sequence numbers of what is sent: of offset 0, the newest
        self.want = 0                  # of what is expected
        self.got = bytearray()
        self.acked = self.first
        self.is_open = threading.Event()
        self.is_over = threading.Event()

    def segment(self, flags, seq, data=b"", options=b""):
        head = struct.pack("!HHIIBBHHH", self.own, self.other, seq, self.want,
                           (20 + len(options)) // 4 << 4, flags, 65000, 0, 0) + options
        pseudo = self.machine.remote + self.machine.local + struct.pack("!HH", 6, len(head + data))
        head = head[:16] + struct.pack("!H", checksum(pseudo + head + data)) + head[18:]
        self.machine.packet(head + data)

    def send(self, data, offset=None):
        """One segment with these bytes of the stream; where it goes on, without an offset."""
        seq = self.next if offset is None else self.first + offset
        self.segment(ACK | PSH, seq, data)
        self.next = max(self.next, seq + len(data))

    def close(self):
        self.segment(ACK | FIN, self.next)
        self.next += 1

    def take(self, flags, seq, data):
        if flags & RST:
            self.is_over.set()
            return
        if flags & SYN:
            self.want = seq + 1
            self.first = self.next = 1001
            if flags & ACK:
                self.segment(ACK, self.next)
            else:
                self.segment(SYN | ACK, 1000, options=b"\2\4\5\xb4")
        if flags & ACK and not flags & SYN or flags & ACK and flags & SYN:
            self.is_open.set()
        if seq == self.want and data:
            self.got += data
            self.want += len(data)
        if flags & FIN and seq + len(data) == self.want:
            self.want += 1
            self.is_over.set()
        if data or flags & FIN:
            self.segment(ACK, self.next)


class Machine:
    """10.213.X.2, reached by the device spftunX, whose own address is 10.213.X.1."""

    def __init__(self):
        if not os.path.exists("/dev/net/tun"):
            raise live.Skip("there is no /dev/net/tun")
        number = os.getpid() % 250 + 1
        self.local, self.remote = bytes([10, 213, number, 1]), bytes([10, 213, number, 2])
        self.addr = socket.inet_ntoa(self.remote)
        self.own_addr = socket.inet_ntoa(self.local)
        name = f"spftun{number}"
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.ioctl(self.tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
        except OSError as e:
            os.close(self.tun)
            raise live.Skip(f"no tun device: {e}") from e
        ip = live.program("ip")
        for command in (["addr", "add", f"{self.own_addr}/24", "dev", name],
                        ["link", "set", name, "up"]):
            r = live.run(ip, *command)
            assert r.returncode == 0, r.stderr
        self.connections = {}
        self.accepted = []
        self.wake = os.pipe()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def packet(self, segment):
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0, self.remote,
                           self.local)
        os.write(self.tun, head[:10] + struct.pack("!H", checksum(head)) + head[12:] + segment)

    def run(self):
        while True:
            ready, _, _ = select.select([self.tun, self.wake[0]], [], [])
            if self.wake[0] in ready:
                return
            self.take(os.read(self.tun, 65536))

    def take(self, packet):
        if packet[0] >> 4 != 4 or packet[9] != 6:
            return
        tcp = packet[20:struct.unpack("!H", packet[2:4])[0]]
        other, own, seq = struct.unpack("!HHI", tcp[:8])
        flags, data = tcp[13], tcp[(tcp[12] >> 4) * 4:]
        c = self.connections.get((own, other))
        if not c:
            if not flags & SYN:
                return
            c = self.connections[own, other] = Connection(self, own, other)
            self.accepted.append(c)
        c.take(flags, seq, data)

    def connect(self, port):
        """Opens a connection to a port of this machine."""
        c = self.connections[40000, port] = Connection(self, 40000, port)
        c.segment(SYN, 1000, options=b"\2\4\5\xb4")
        assert c.is_open.wait(live.PATIENCE)
        return c

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.write(self.wake[1], b"x")
        self.thread.join()
        for fd in (self.tun, *self.wake):
            os.close(fd)  # the device goes with it
