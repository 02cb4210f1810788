# SPDX-License-Identifier: Apache-2.0
"""l2tpv3.py OURS THEIRS DEVICE [--udp] [--cookie HEX] [--sublayer] [--end-id NAME]: an L2TPv3 (RFC
3931) router with one Ethernet pseudowire to a TAP adapter. Linux has no control connection of L2TPv3;
its data are tested by "ip l2tp". The kernel's IPsec sees packets of protocol 115 or of UDP port 1701.
"""
import argparse
import select
import signal
import socket
import struct
import sys
import time

import tap

SCCRQ, SCCRP, SCCCN, STOPCCN, HELLO, ICRQ, ICRP, ICCN, CDN, ACK = 1, 2, 3, 4, 6, 10, 11, 12, 14, 20
# Attributes.
TYPE, RESULT, HOST, VENDOR, WINDOW, SERIAL = 0, 1, 7, 8, 10, 15
ROUTER, CONNECTION, CAPABILITIES, OUR_SESSION, THEIR_SESSION, COOKIE, END, PSEUDOWIRE, SUBLAYER, STATUS = \
    60, 61, 62, 63, 64, 65, 66, 68, 69, 71
ETHERNET, DEFAULT_SUBLAYER = 5, 1
CONNECTION_ID, SESSION_ID = 0x1A2B3C4D, 0x5E6F7081
IP_MTU_DISCOVER, DONT = 10, 0
HELLO_S, REPEAT_S, REPEATS = 20, 1, 8


def u16(n):
    return struct.pack(">H", n)


def u32(n):
    return struct.pack(">I", n)


def avp(kind, value):
    return struct.pack(">HHH", 0x8000 | (6 + len(value)), 0, kind) + value


class Router:
    def __init__(self, a):
        self.a, self.peer, self.ns, self.nr = a, 0, 0, 0
        self.unanswered = []  # (Ns, body), oldest first
        if a.udp:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        else:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, 115)
        self.socket.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, DONT)
        self.socket.bind((a.ours, 1701 if a.udp else 0))
        self.socket.connect((a.theirs, 1701 if a.udp else 0))
        self.cookie = bytes.fromhex(a.cookie)
        self.their_session, self.their_cookie, self.their_sublayer = 0, b"", False
        self.heard = self.repeated = time.monotonic()

    # -- the control connection --

    def transmit(self, ns, body):
        head = struct.pack(">HHIHH", 0xC803, 12 + len(body), self.peer, ns, self.nr)
        self.socket.send((b"" if self.a.udp else bytes(4)) + head + body)

    def send(self, kind, *attributes):
        body = avp(TYPE, u16(kind)) + b"".join(attributes)
        self.unanswered.append((self.ns, body))
        self.repeated, self.repeats = time.monotonic(), 0
        self.transmit(self.ns, body)
        self.ns += 1

    def acknowledge(self):
        self.transmit(self.ns, avp(TYPE, u16(ACK)))

    def datagram(self, packet):
        """("control", type, attributes), ("data", frame) or None."""
        data = packet if self.a.udp else packet[(packet[0] & 15) * 4:]
        if self.a.udp:
            if not data[0] & 0x80:
                return self.frame(data[4:])
        elif data[:4] != bytes(4):
            return self.frame(data)
        else:
            data = data[4:]
        flags, length, connection, ns, nr = struct.unpack_from(">HHIHH", data)
        if flags & 0x800F != 0x8003 or connection not in (CONNECTION_ID, 0):
            print("odd message", data[:12].hex(), flush=True)
            return None
        self.heard = time.monotonic()
        self.unanswered = [u for u in self.unanswered if (u[0] - nr) & 0xFFFF < 0x8000]
        attributes, at = {}, 12
        while at + 6 <= length:
            size, vendor, kind = struct.unpack_from(">HHH", data, at)
            size &= 0x3FF
            if vendor == 0:
                attributes[kind] = data[at + 6:at + size]
            at += max(size, 6)
        kind = struct.unpack(">H", attributes.get(TYPE, u16(ACK)))[0]
        if kind == ACK:
            return None
        fresh = ns == self.nr
        self.nr += fresh
        self.acknowledge()
        if not fresh:
            return None
        print("got", kind, {k: v.hex() for k, v in attributes.items()}, flush=True)
        if kind in (STOPCCN, CDN):
            sys.exit(f"ended by the peer: {attributes.get(RESULT, b'').hex()}")
        return "control", kind, attributes

    def tick(self):
        now = time.monotonic()
        if self.unanswered and now - self.repeated > REPEAT_S:
            self.repeated, self.repeats = now, self.repeats + 1
            if self.repeats > REPEATS:
                sys.exit("no answer")
            self.transmit(*self.unanswered[0])
        elif not self.unanswered and now - self.heard > HELLO_S:
            self.heard = now
            self.send(HELLO)

    def wait(self, wanted):
        while True:
            if select.select([self.socket], [], [], 0.2)[0]:
                got = self.datagram(self.socket.recv(tap.LARGEST))
                if got and got[0] == "control" and got[1] == wanted:
                    return got[2]
            self.tick()

    def connect(self):
        self.send(SCCRQ, avp(HOST, b"branch"), avp(VENDOR, b"lab"), avp(ROUTER, socket.inet_aton(self.a.ours)),
                  avp(CONNECTION, u32(CONNECTION_ID)), avp(CAPABILITIES, u16(ETHERNET) + u16(4)),
                  avp(WINDOW, u16(4)))
        self.peer = struct.unpack(">I", self.wait(SCCRP)[CONNECTION])[0]
        self.send(SCCCN)
        more = ([avp(COOKIE, self.cookie)] if self.cookie else []) + \
            ([avp(SUBLAYER, u16(DEFAULT_SUBLAYER))] if self.a.sublayer else [])
        self.send(ICRQ, avp(OUR_SESSION, u32(SESSION_ID)), avp(THEIR_SESSION, u32(0)), avp(SERIAL, u32(1)),
                  avp(PSEUDOWIRE, u16(ETHERNET)), avp(END, self.a.end_id.encode()), avp(STATUS, u16(3)), *more)
        theirs = self.wait(ICRP)
        self.their_session = struct.unpack(">I", theirs[OUR_SESSION])[0]
        self.their_cookie = theirs.get(COOKIE, b"")
        self.their_sublayer = theirs.get(SUBLAYER) == u16(DEFAULT_SUBLAYER)
        self.send(ICCN, avp(OUR_SESSION, u32(SESSION_ID)), avp(THEIR_SESSION, u32(self.their_session)),
                  avp(STATUS, u16(2)))

    def goodbye(self, *_):
        self.send(STOPCCN, avp(CONNECTION, u32(CONNECTION_ID)), avp(RESULT, u16(1)))
        sys.exit("ended")

    # -- its pseudowire --

    def frame(self, data):
        start = u32(SESSION_ID) + self.cookie
        if data[:len(start)] != start:
            print("odd session or cookie", data[:12].hex(), flush=True)
            return None
        return "data", data[len(start) + 4 * self.a.sublayer:]

    def carry(self):
        start = (u32(3 << 16) if self.a.udp else b"") + u32(self.their_session) + self.their_cookie + \
            (bytes(4) if self.their_sublayer else b"")

        def back(packet):
            got = self.datagram(packet)
            return got[1] if got and got[0] == "data" else None

        fd = tap.make(self.a.device)
        print("ready", flush=True)
        tap.carry(fd, self.socket, lambda frame: start + frame, back, self.tick)


def main():
    p = argparse.ArgumentParser()
    for name in ("ours", "theirs", "device"):
        p.add_argument(name)
    p.add_argument("--udp", action="store_true")
    p.add_argument("--sublayer", action="store_true")
    p.add_argument("--cookie", default="")
    p.add_argument("--end-id", default="lab")
    router = Router(p.parse_args())
    router.connect()
    signal.signal(signal.SIGTERM, router.goodbye)
    router.carry()


if __name__ == "__main__":
    main()
