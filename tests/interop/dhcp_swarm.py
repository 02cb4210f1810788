# SPDX-License-Identifier: Apache-2.0
"""Many DHCP clients behind one session, frame by frame, and the small codecs that they need."""
import collections
import ipaddress
import struct
import time

import sevpn
from netlab import Failed, need

DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
MASK, ROUTER, DNS, REQUESTED, LEASE, TYPE, SERVER, ASKED, CLIENT_ID = 1, 3, 6, 50, 51, 53, 54, 55, 61
COOKIE = b"\x63\x82\x53\x63"
AGAIN_S = 3
BURST = 50

Lease = collections.namedtuple("Lease", "address mask router server seconds")


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - ((total & 0xFFFF) + (total >> 16))


def udp_frame(source_mac, payload):
    """From 0.0.0.0 port 68 to everybody's port 67."""
    udp = struct.pack(">HHHH", 68, 67, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return sevpn.ethernet(sevpn.BROADCAST, source_mac, head + udp, 0x0800)


def message(mac, xid, kind, broadcast, options=()):
    out = struct.pack(">BBBBIHH16s6s10s192s", 1, 1, 6, 0, xid, 0, 0x8000 if broadcast else 0, bytes(16),
                      mac, bytes(10), bytes(192)) + COOKIE
    for code, value in ((TYPE, bytes([kind])), (ASKED, bytes((MASK, ROUTER, DNS, 15))), *options):
        out += bytes((code, len(value))) + value
    return udp_frame(mac, out + b"\xff")


def parse(frame):
    """(hardware address, xid, address, options) of a server's message, or None."""
    if frame[12:14] != b"\x08\0" or frame[23] != 17:
        return None
    at = 14 + (frame[14] & 15) * 4
    if struct.unpack_from(">HH", frame, at) != (67, 68):
        return None
    data = frame[at + 8:at + struct.unpack_from(">H", frame, at + 4)[0]]
    if len(data) < 240 or data[0] != 2 or data[236:240] != COOKIE:
        return None
    options, at = {}, 240
    while at < len(data) and data[at] != 255:
        if data[at] == 0:
            at += 1
            continue
        size = data[at + 1]
        options[data[at]] = data[at + 2:at + 2 + size]
        at += 2 + size
    return data[28:34], struct.unpack_from(">I", data, 4)[0], data[16:20], options


class Swarm:
    """Clients number first to first + count - 1, each with a hardware address of its own. Half of
    them have a client identifier; half ask for broadcast answers."""

    def __init__(self, session, count, first=1):
        self.session = session
        self.macs = [sevpn.mac(n) for n in range(first, first + count)]
        self.leases = {}

    def options(self, mac):
        return [(CLIENT_ID, b"\x01" + mac)] if mac[5] & 1 else []

    def send(self, kind, macs, more):
        """more(mac): further options."""
        for at in range(0, len(macs), BURST):
            self.session.send(*(message(m, self.xid(m), kind, m[5] & 2, self.options(m) + more(m))
                                for m in macs[at:at + BURST]))

    @staticmethod
    def xid(mac):
        return 0x50000000 + int.from_bytes(mac[2:], "big")

    def exchange(self, kind, wanted, more, seconds):
        """Sends to those who have no answer yet, again and again; {mac: message}."""
        got, end = {}, time.monotonic() + seconds
        while missing := [m for m in self.macs if m not in got]:
            need(time.monotonic() < end, f"{len(missing)} of {len(self.macs)} clients have no answer "
                 f"to message {kind} within {seconds} s")
            self.send(kind, missing, more)
            for frame in self.session.frames(AGAIN_S):
                found = parse(frame)
                if found and found[0] in missing and found[1] == self.xid(found[0]):
                    said = found[3][TYPE][0]
                    need(said != NAK, f"NAK for {found[0].hex(':')}")
                    if said == wanted:
                        got[found[0]] = found
                if len(got) == len(self.macs):
                    break
        return got

    def lease(self, seconds=60):
        """All of them, from DISCOVER to ACK."""
        offers = self.exchange(DISCOVER, OFFER, lambda m: [], seconds)
        acks = self.exchange(REQUEST, ACK, lambda m: [(REQUESTED, offers[m][2]),
                                                      (SERVER, offers[m][3][SERVER])], seconds)
        self.keep(acks)

    def reboot(self, seconds=60):
        """All of them ask for what they had (INIT-REBOOT)."""
        self.keep(self.exchange(REQUEST, ACK, lambda m: [
            (REQUESTED, ipaddress.IPv4Address(self.leases[m].address).packed)], seconds))

    def keep(self, acks):
        for m, (_, _, address, options) in acks.items():
            mask, router, server = (str(ipaddress.IPv4Address(options[c])) if c in options else None
                                    for c in (MASK, ROUTER, SERVER))
            self.leases[m] = Lease(str(ipaddress.IPv4Address(address)), mask, router, server,
                                   struct.unpack(">I", options[LEASE])[0])

    def check(self, first, last, router, mask):
        """Each has an address of its own out of the pool."""
        pool = range(int(ipaddress.IPv4Address(first)), int(ipaddress.IPv4Address(last)) + 1)
        addresses = [lease.address for lease in self.leases.values()]
        need(len(addresses) == len(self.macs), f"{len(addresses)} leases for {len(self.macs)} clients")
        need(len(set(addresses)) == len(addresses), "two clients have the same address")
        for lease in self.leases.values():
            if int(ipaddress.IPv4Address(lease.address)) not in pool or lease.router != router or \
                    lease.mask != mask or lease.seconds < 60:
                raise Failed(f"a lease is not as configured: {lease}")
