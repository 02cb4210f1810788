# SPDX-License-Identifier: Apache-2.0
"""First packets of IKE (Main Mode, some Aggressive Mode) from addresses that nobody has."""
import collections
import random
import socket
import struct
import threading
import time

import flood

BATCH = 100
Seen = collections.namedtuple("Seen", "requests replies reply_octets longer lost")
VENDORS = tuple(bytes.fromhex(v) for v in (
    "4a131c81070358455c5728f20e95452f", "afcad71368a1f1c96b8696fc77570100",
    "4048b7d56ebce88525e7de7f00d6c2d380000000"))
# Addresses that they come from: one of 10.200.0.0/16 each.
NETWORK = "10.200.0.0/16"


def attribute(kind, value):
    return struct.pack(">HH", 0x8000 | kind, value)


def proposal(transforms):
    """Of IKE, with pre-shared keys: (cipher, key length or 0, hash, group)."""
    parts = []
    for i, (cipher, bits, digest, group) in enumerate(transforms):
        body = attribute(1, cipher) + (attribute(14, bits) if bits else b"") + attribute(2, digest) + \
            attribute(4, group) + attribute(3, 1) + attribute(11, 1) + struct.pack(">HHI", 12, 4, 28800)
        more = 3 if i + 1 < len(transforms) else 0
        parts.append(struct.pack(">BBHBBH", more, 0, 8 + len(body), i + 1, 1, 0) + body)
    body = b"".join(parts)
    return struct.pack(">BBHBBBB", 0, 0, 8 + len(body), 1, 1, 0, len(parts)) + body


def message(r):
    """A message that a client could begin with, in one of some shapes."""
    transforms = [(7, 256, 4, 14), (7, 128, 2, 14), (7, 256, 2, 2), (5, 0, 2, 2)]
    kind = r.randrange(8)
    chosen = transforms[:1] if kind in (0, 1) else transforms[3:] if kind == 2 else transforms
    payloads = [(1, struct.pack(">II", 1, 1) + proposal(chosen))]
    aggressive = kind == 7
    if aggressive:
        payloads += [(4, r.randbytes(256)), (10, r.randbytes(16)), (5, b"\x01\x11\x06\xa5" + r.randbytes(4))]
    payloads += [(13, v) for v in (VENDORS if kind != 0 else ())]
    body = b"".join(
        struct.pack(">BBH", payloads[i + 1][0] if i + 1 < len(payloads) else 0, 0, 4 + len(p)) + p
        for i, (_, p) in enumerate(payloads))
    return r.randbytes(8) + bytes(8) + struct.pack(
        ">BBBBII", payloads[0][0], 0x10, 4 if aggressive else 2, 0, 0, 28 + len(body)) + body


def run(ns, address, count, seed=1, pause=0.02, port=500):
    """Sends so many; each cookie's answer is compared with the request's length."""
    r = random.Random(seed)
    srv = ns.lab.srv
    srv.run("ip", "route", "replace", NETWORK, "via", ns.run("ip", "-4", "-o", "addr", "show", "dev", "eth0")
            .split()[3].split("/")[0])
    with ns.inside():
        out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        back = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x800))
    back.setsockopt(socket.SOL_SOCKET, 33, 256 << 20)  # SO_RCVBUFFORCE
    back.settimeout(0.2)
    asked, end = {}, threading.Event()
    replies = octets = longer = 0

    def listen():
        nonlocal replies, octets, longer
        while True:
            try:
                packet, where = back.recvfrom(65536)
            except TimeoutError:
                if end.is_set():
                    return
                continue
            if where[2] == socket.PACKET_OUTGOING or packet[9] != 17:
                continue
            at = (packet[0] & 15) * 4
            if struct.unpack_from(">H", packet, at)[0] != port:
                continue
            data = packet[at + 8:]
            replies, octets = replies + 1, octets + len(data)
            longer += len(data) > asked.get(data[:8], 0)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    with srv.inside():
        lost = flood.drops(port)
    to = socket.inet_aton(address)
    for i in range(count):
        data = message(r)
        asked[data[:8]] = len(data)
        source = bytes((10, 200)) + r.randbytes(2)
        udp = struct.pack(">HHHH", r.choice((500, r.randrange(1024, 65536))), port, 8 + len(data), 0)
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp) + len(data), 0, 0, 64, 17, 0)
        out.sendto(head + source + to + udp + data, (address, 0))
        if i % BATCH == BATCH - 1:
            time.sleep(pause)
    time.sleep(0.5)
    end.set()
    thread.join(30)
    with srv.inside():
        lost = flood.drops(port) - lost
    out.close()
    back.close()
    return Seen(count, replies, octets, longer, lost)
