# SPDX-License-Identifier: Apache-2.0
"""The hub as its ports see it: several sessions of the small client, which see each frame."""
import socket
import struct
import threading
import time

import polyether
from netlab import SRV, Failed, need, wait_until
from registry import scenario
from sevpn import BROADCAST, Session, ethernet, mac, until_delivered
from softether import HUB, PASSWORD, USER

STORM_PPS, STORM_BURST = 1000, 2000
ARP, IPV6, VLAN = 0x0806, 0x86DD, 0x8100


def session(t, hub=HUB, **options):
    return Session(t.lab.cli, SRV, hub, USER, PASSWORD, **options)


def settle(*sessions):
    """Each session is in the hub and has been heard by the others."""
    for i, a in enumerate(sessions):
        for j, b in enumerate(sessions):
            if a is not b:
                until_delivered(a, b, ethernet(BROADCAST, mac(900 + i), b"settle%d.%d" % (i, j) + bytes(50)))


def heard(s, mark, seconds=0.6):
    return [f for f in s.frames(seconds) if mark in f]


@scenario("hub/isolation", needs=("server",), asan=True, limit=90)
def _(t):
    with t.must("two hubs, two sessions each"):
        server = polyether.Server(t.lab)
        for hub in ("ONE", "TWO"):
            server.make_hub(hub)
        a, b = session(t, "ONE"), session(t, "ONE")
        c, d = session(t, "TWO"), session(t, "TWO")
        settle(a, b)
        settle(c, d)
    with t.check("no frame of one hub is ever seen in the other"):
        mark = b"secret of ONE" + bytes(60)
        # d's address is known in its own hub only, though a asks for it by name.
        d.send(ethernet(BROADCAST, mac(44), b"here I am" + bytes(60)))
        for i in range(50):
            a.send(ethernet(BROADCAST, mac(11), mark), ethernet(mac(44), mac(11), mark),
                   ethernet(mac(900 + i), mac(11), mark), ethernet(BROADCAST, mac(11), mark, ARP))
        need(heard(b, mark), "b hears nothing of a, so that the test says nothing")
        for name, s in (("c", c), ("d", d)):
            wrong = heard(s, mark)
            need(not wrong, f"{name} in TWO received {len(wrong)} frames of ONE")
    with t.check("the MAC tables are apart"):
        for hub, mine, other in (("ONE", "00-00-00-0B", "00-00-00-2C"), ("TWO", "00-00-00-2C", "00-00-00-0B")):
            text = server.ctl("mac", "list", hub).upper().replace(":", "-")
            need(mine in text, f"{mine} is not in the table of {hub}:\n{text}")
            need(other not in text, f"{other} is in the table of {hub}:\n{text}")
    with t.check("one address may be in both hubs"):
        for source, sink in ((a, b), (c, d)):
            source.send(ethernet(BROADCAST, mac(7), b"learn" + bytes(60)))
            time.sleep(0.1)
            sink.send(ethernet(mac(7), mac(8), b"to seven" + bytes(60)))
            need(heard(source, b"to seven"), "the frame did not arrive in its own hub")
    with t.check("the server ends when told to"):
        server.stop()


@scenario("hub/moving-address", needs=("server",), asan=True, limit=90)
def _(t):
    with t.must("three sessions"):
        server = polyether.Server(t.lab)
        server.make_hub()
        a, b, c = session(t), session(t), session(t)
        settle(a, b, c)
    with t.check("a unicast goes to one port only"):
        a.send(ethernet(BROADCAST, mac(5), b"I am five" + bytes(60)))
        need(heard(c, b"I am five"), "the announcement did not arrive")
        c.send(ethernet(mac(5), mac(6), b"hello five" + bytes(60)))
        need(heard(a, b"hello five"), "it did not arrive")
        need(not heard(b, b"hello five"), "another port saw it")
    with t.check("an address that moves to another port is learned again"):
        b.send(ethernet(BROADCAST, mac(5), b"five has moved" + bytes(60)))
        need(heard(c, b"five has moved"), "the announcement did not arrive")
        c.send(ethernet(mac(5), mac(6), b"follow five" + bytes(60)))
        need(heard(b, b"follow five"), "it did not follow the address")
        need(not heard(a, b"follow five"), "the old port still gets it")
    with t.check("the end of a session makes its addresses unknown"):
        server.ctl("session", "disconnect", HUB, b.welcome["session_name"])
        wait_until("its address to leave the table", lambda: "00-00-00-05" not in server.ctl(
            "mac", "list", HUB).upper().replace(":", "-"), 5, 0.1)
    with t.check("the server ends when told to"):
        server.stop()


@scenario("hub/frames", needs=("server",), asan=True, limit=90)
def _(t):
    with t.must("two sessions"):
        server = polyether.Server(t.lab)
        server.make_hub()
        a, b = session(t), session(t)
        settle(a, b)
    for step, frame in (
            ("a VLAN tag", ethernet(BROADCAST, mac(1), struct.pack(">HH", 7, 0x0800) + bytes(range(64)), VLAN)),
            ("two VLAN tags", ethernet(BROADCAST, mac(1), struct.pack(
                ">HHHH", 7, VLAN, 9, 0x88B5) + bytes(64), 0x88A8)),
            ("IPv6", ethernet(bytes.fromhex("333300000001"), mac(1), bytes.fromhex(
                "6000000000003bff") + bytes(15) + b"\1" + bytes.fromhex("ff02") + bytes(13) + b"\1", IPV6)),
            ("1514 octets", ethernet(BROADCAST, mac(1), bytes(i & 255 for i in range(1500)))),
            ("1600 octets", ethernet(BROADCAST, mac(1), bytes(i * 7 & 255 for i in range(1586)))),
            ("the shortest frame", ethernet(BROADCAST, mac(1), b"")),
            ("an unknown EtherType", ethernet(BROADCAST, mac(1), b"\0" * 46, 0xBEEF))):
        with t.check(f"{step}, unchanged"):
            a.send(frame)
            b.wait_frame("the frame", lambda f, want=frame: f == want, 3)
    with t.check("compressed, unchanged"):
        import zlib
        z = session(t, use_compress=1)
        need(z.welcome.get("use_compress") == 1, "compression was not granted")
        frame = ethernet(BROADCAST, mac(2), b"squeeze me " * 50)
        z.send(zlib.compress(frame))
        b.wait_frame("the frame", lambda f: f == frame, 5)
    with t.check("a frame that is too long is lost, the session is not"):
        a.send(ethernet(BROADCAST, mac(1), b"too long" + bytes(2000)))
        frame = ethernet(BROADCAST, mac(1), b"after it" + bytes(60))
        a.send(frame)
        got = heard(b, b"after it", 2) or [None]
        need(got[0] == frame, "the session is dead")
    with t.check("the server ends when told to"):
        server.healthy()
        server.stop()


def echo(s, stop, counts):
    """Answers to "ping" frames, counts all others."""
    while not stop.is_set():
        for f in s.frames(0.2):
            if b"ping" in f[14:24]:
                s.send(ethernet(f[6:12], f[0:6], b"pong" + f[18:]))
            elif b"flood" in f[14:24]:
                counts.append(time.monotonic())


def flood(s, frame, stop, sent):
    """As fast as it goes. Somebody reads what comes back."""
    while not stop.is_set():
        s.send(*[frame] * 100)
        sent[0] += 100


@scenario("hub/flood", needs=("server",), limit=90, takes=5, quiet=True)
def _(t):
    with t.must("three sessions"):
        server = polyether.Server(t.lab)
        server.make_hub()
        a, b, c = session(t), session(t), session(t)
        settle(a, b, c)
        c.send(ethernet(BROADCAST, mac(3), b"c" + bytes(60)))
        b.send(ethernet(BROADCAST, mac(2), b"b" + bytes(60)))
    stop, counts, sent, delays, lost = threading.Event(), [], [0], [], 0
    threads = [threading.Thread(target=echo, args=(b, stop, counts), daemon=True),
               threading.Thread(target=flood, daemon=True, args=(
                   a, ethernet(BROADCAST, mac(1), b"flood" + bytes(60)), stop, sent))]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    with t.check("another port's traffic passes at once during the flood"):
        for i in range(40):
            at = time.monotonic()
            c.send(ethernet(mac(2), mac(3), b"ping%04d" % i + bytes(40)))
            try:
                c.wait_frame("pong", lambda f, n=i: f[14:22] == b"pong%04d" % n, 1)
                delays.append(time.monotonic() - at)
            except Failed:
                lost += 1
            time.sleep(0.05)
        delays.sort()
        need(lost == 0, f"{lost} of 40 lost")
        need(delays[-2] < 0.5, f"up to {delays[-1]:.2f} s late")
    stop.set()
    for thread in threads:
        thread.join(5)
    with t.check("the flood stays within the limit of a port"):
        seconds = time.monotonic() - start
        most = (STORM_BURST + STORM_PPS * seconds) * 1.1
        need(sent[0] > 2 * most, f"the flood was too slow to say anything: {sent[0]} frames")
        need(counts, "nothing arrived at all")
        need(len(counts) <= most, f"{len(counts)} of {sent[0]} frames arrived in {seconds:.1f} s")
    with t.check("the server ends when told to"):
        server.healthy()
        server.stop()


class Wire:
    """A raw socket on a device, which sees VLAN tags that the kernel has put aside."""
    SOL_PACKET, PACKET_AUXDATA, VLAN_VALID = 263, 8, 1 << 4

    def __init__(self, ns, device):
        with ns.inside():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            self.socket.bind((device, 0))
        self.socket.setsockopt(self.SOL_PACKET, self.PACKET_AUXDATA, 1)

    def send(self, frame):
        self.socket.send(frame)

    def frames(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data, extra, _, _ = self.socket.recvmsg(2048, 256)
            except TimeoutError:
                return
            for _, kind, raw in extra:
                status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", raw[:20])
                if kind == self.PACKET_AUXDATA and status & self.VLAN_VALID:
                    data = data[:12] + struct.pack(">HH", tpid, tci) + data[12:]
            yield data


@scenario("hub/bridge", needs=("server",), asan=True, limit=60)
def _(t):
    """Frames through a local bridge, tags and all."""
    lab = t.lab
    with t.must("server, bridge, session"):
        server = polyether.Server(lab)
        server.make_hub()
        server.bridge()
        s, wire = session(t), Wire(lab.lan, "eth1")
    with t.check("ARP, answered by the host behind"):
        body = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + mac(1) + bytes((10, 99, 3, 80)) + \
            bytes(6) + bytes((10, 99, 3, 2))
        until_seen(s, s, ethernet(BROADCAST, mac(1), body + bytes(18), ARP),
                   lambda f: f[:6] == mac(1) and f[12:14] == b"\x08\x06" and
                   f[28:32] == bytes((10, 99, 3, 2)))
    for step, frame in (
            ("untagged", ethernet(BROADCAST, mac(1), b"plain" + bytes(60))),
            ("VLAN 7", ethernet(BROADCAST, mac(1), struct.pack(">HH", 7, 0x88B5) + bytes(64), VLAN)),
            ("VLAN 9 in 7, 802.1ad", ethernet(BROADCAST, mac(1), struct.pack(
                ">HHHH", 7, VLAN, 9, 0x88B5) + bytes(64), 0x88A8)),
            ("1514 octets", ethernet(BROADCAST, mac(1), bytes(1500)))):
        with t.check(f"{step}, from the session to the wire"):
            until_seen(s, wire, frame, lambda f, want=frame: f == want)
        with t.check(f"{step}, from the wire to the session"):
            back = frame[:6] + mac(2) + frame[12:]
            until_seen(wire, s, back, lambda f, want=back: f == want)
    with t.check("the server ends when told to"):
        server.stop()


def until_seen(source, sink, frame, test, seconds=5):
    """Sends until it arrives: a bridge takes a moment to be in the hub."""
    end, seen = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        source.send(frame)
        for f in sink.frames(0.3):
            seen += 1
            if test(f):
                return
    raise Failed(f"no such frame within {seconds} s, {seen} others")
