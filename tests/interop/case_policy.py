# SPDX-License-Identifier: Apache-2.0
"""Each item of the security policy, by real frames between real sessions. The items are those of
core/base/policy.h: one without a check here fails. One hub, one server; for each item a user who has
it, next to a witness who has none."""
import pathlib
import re
import struct
import time

import polyether
from netlab import SRV, SRV6, Failed, need
from registry import scenario
from sevpn import BROADCAST, Refused, Session, ethernet, mac
from softether import HUB, PASSWORD

HEADER = pathlib.Path(__file__).resolve().parents[2] / "core" / "base" / "policy.h"
ITEMS = re.findall(r"^ {4}X\((\w+), (?:bool|u32), \d+\)", HEADER.read_text(), re.M)

ARP, IP4, IP6, VLAN, OTHER = 0x0806, 0x0800, 0x86DD, 0x8100, 0x88B5
TCP, UDP, ICMP6 = 6, 17, 58
SYN, ACK = 2, 16
ALL_NODES = bytes.fromhex("333300000001")
MINE, THEIRS = 0x10, 0x08  # of the session with the item (see run()), and of the witness


# ---- frames ----

def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def v4(n):
    return bytes((10, 77, n >> 8, n & 255))


def v6(n):
    return bytes.fromhex("fe80") + bytes(12) + struct.pack(">H", n)


def arp(n, ip=None, to=BROADCAST, sender=None):
    return ethernet(to, mac(n), struct.pack(">HHBBH", 1, IP4, 6, 4, 1) + mac(sender or n) +
                    v4(n if ip is None else ip) + bytes(6) + v4(250) + bytes(18), ARP)


def ip4(n, to, proto, body, src=None, dst=None):
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, proto, 0) + \
        (v4(n) if src is None else src) + (dst or v4(250))
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return ethernet(to, mac(n), head + body, IP4)


def ip6(n, to, proto, body, src=None, dst=None):
    src, dst = src or v6(n), dst or bytes.fromhex("ff02") + bytes(13) + b"\1"
    if proto == ICMP6:
        sum_ = checksum(src + dst + struct.pack(">II", len(body), proto) + body)
        body = body[:2] + struct.pack(">H", sum_) + body[4:]
    return ethernet(to, mac(n), struct.pack(">IHBB", 6 << 28, len(body), proto, 255) + src + dst +
                    body, IP6)


def udp(sport, dport, body):
    return struct.pack(">HHHH", sport, dport, 8 + len(body), 0) + body


def tcp(flags):
    return struct.pack(">HHIIBBHHH", 50000, 80, 1, 1, 0x50, flags, 65535, 0, 0)


def bootp(op, kind, given=0, client=0):
    return bytes((op, 1, 6, 0)) + b"xid!" + bytes(4) + bytes(4) + (v4(given) if given else bytes(4)) + \
        bytes(8) + mac(client) + bytes(10 + 64 + 128) + bytes.fromhex("63825363") + \
        bytes((53, 1, kind, 51, 4, 0, 0, 14, 16, 255)) + bytes(40)


def advertisement(n):
    return ip6(n, ALL_NODES, ICMP6, bytes((134, 0, 0, 0, 64, 0)) + struct.pack(">HII", 1800, 0, 0))


def sorts(n, peer):
    """One frame of each sort, from machine n to machine peer."""
    to = mac(peer)
    inner = struct.pack(">HH", 9, IP4) + ip4(n, to, UDP, udp(1000, 1001, b"tagged"))[14:]
    return {
        "arp": arp(n),
        "udp4": ip4(n, to, UDP, udp(1000, 1001, b"udp4")),
        "udp4-all": ip4(n, BROADCAST, UDP, udp(1000, 1001, b"udp4 to all")),
        "discover": ip4(n, BROADCAST, UDP, udp(68, 67, bootp(1, 1, client=n)), bytes(4), b"\xff" * 4),
        "offer": ip4(n, to, UDP, udp(67, 68, bootp(2, 2, peer, peer))),
        "syn4": ip4(n, to, TCP, tcp(SYN)),
        "accept4": ip4(n, to, TCP, tcp(SYN | ACK)),
        "ack4": ip4(n, to, TCP, tcp(ACK)),
        "udp6": ip6(n, to, UDP, udp(1000, 1001, b"udp6")),
        "udp6-all": ip6(n, ALL_NODES, UDP, udp(1000, 1001, b"udp6 to all")),
        "rs": ip6(n, ALL_NODES, ICMP6, bytes((133,)) + bytes(7)),
        "ra": advertisement(n),
        "syn6": ip6(n, to, TCP, tcp(SYN)),
        "accept6": ip6(n, to, TCP, tcp(SYN | ACK)),
        "solicit6": ip6(n, ALL_NODES, UDP, udp(546, 547, b"\1abc")),
        "reply6": ip6(n, to, UDP, udp(547, 546, b"\7abc")),
        "other": ethernet(to, mac(n), b"other" + bytes(50)),
        "other-all": ethernet(BROADCAST, mac(n), b"other to all" + bytes(50)),
        "tagged": ethernet(to, mac(n), inner, VLAN),
    }


V4 = "arp udp4 udp4-all discover offer syn4 accept4 ack4"
V6 = "udp6 udp6-all rs ra syn6 accept6 solicit6 reply6"
# What must not pass from the session, and what not to it. All else must.
FILTERS = {
    "DHCPFilter": ("discover offer", "discover offer"),
    "DHCPNoServer": ("offer", ""),
    "ArpDhcpOnly": ("udp4-all udp6-all other-all", "udp4-all udp6-all other-all"),
    "NoServer": ("accept4", "syn4"),
    "NoServerV6": ("accept6", "syn6"),
    "RSandRAFilter": ("rs ra", "rs ra"),
    "RAFilter": ("ra", ""),
    "DHCPv6Filter": ("solicit6 reply6", "solicit6 reply6"),
    "DHCPv6NoServer": ("reply6", ""),
    "FilterIPv4": (V4 + " tagged", V4 + " tagged"),
    "FilterIPv6": (V6, V6),
    "FilterNonIP": ("other other-all tagged", "other other-all tagged"),
}


# ---- the bench ----

class Bench:
    """A server, and a witness in its hub without a policy."""

    def __init__(self, t):
        self.t = t
        self.server = polyether.Server(t.lab)
        self.server.ctl("hub", "create", HUB)
        self.server.add_user("witness", PASSWORD)
        self.users = 0
        self.witness = self.login("witness")

    def login(self, user, address=SRV, bridge=True, **options):
        return Session(self.t.lab.cli, address, HUB, user, PASSWORD,
                       require_bridge_routing_mode=int(bridge), **options)

    def user(self, **policy):
        """A new user with these items."""
        self.users += 1
        name = f"u{self.users}"
        words = [w for item, value in policy.items() for w in ("--policy", f"{item}={value}")]
        self.server.add_user(name, PASSWORD, HUB, *words)
        return name

    def subject(self, **policy):
        s = self.login(self.user(**policy))
        self.meet(s)
        return s

    def meet(self, s):
        """Both ends hear each other's IPv6 to all, which hardly anything forbids, or ARP."""
        end = time.monotonic() + 10
        hello = [ip6(THEIRS, ALL_NODES, ICMP6, bytes((135,)) + bytes(7) + v6(THEIRS)), arp(THEIRS)]
        while time.monotonic() < end:
            self.witness.send(*hello)
            if any(f in hello for f in s.frames(0.2)):
                return
        raise Failed("the session hears nothing of the witness")


def passing(source, sink, frames, seconds=1.5):
    """Which of these frames arrive."""
    for _ in sink.frames(0.05):  # what is late
        pass
    source.send(*frames)
    left, got = list(frames), []
    end = time.monotonic() + seconds
    while left and time.monotonic() < end:
        for f in sink.frames(0.3):
            if f in left:
                left.remove(f)
                got.append(f)
    return got


def passes(source, sink, frame):
    return passing(source, sink, [frame]) == [frame]


def refused(code, call):
    try:
        call().close()
    except Refused as e:
        need(e.code == code, f"refused with {e.code} instead of {code}")
        return
    raise Failed("the login was not refused")


# ---- a check for each item ----

CHECKS = {}


def run(b, name):
    """A machine of its own for each item: a session that was closed holds its addresses a while."""
    global MINE
    MINE = 0x10 + 0x10 * ITEMS.index(name)
    CHECKS[name](b, name)


def item(*names):
    def add(function):
        for name in names:
            CHECKS[name] = function
        return function
    return add


@item(*FILTERS)
def _(b, name):
    s = b.subject(**{name: 1})
    for way, source, sink, frames, forbidden in (
            ("from the session", s, b.witness, sorts(MINE, THEIRS), FILTERS[name][0]),
            ("to the session", b.witness, s, sorts(THEIRS, MINE), FILTERS[name][1])):
        got = passing(source, sink, list(frames.values()))
        for sort, frame in frames.items():
            wanted = sort not in forbidden.split()
            need((frame in got) == wanted,
                 f"{sort} {way} {'did not pass' if wanted else 'passed'}")
    s.close()


@item("Access")
def _(b, name):
    user = b.user(Access=0)
    refused(12, lambda: b.login(user))
    b.login(b.user(Access=1)).close()


@item("CheckMac")
def _(b, name):
    s = b.subject(CheckMac=1)
    need(passes(s, b.witness, arp(MINE)), "an address of its own does not pass")
    need(not passes(s, b.witness, arp(THEIRS, ip=MINE)), "the witness's address passed")
    need(not passes(s, b.witness, arp(MINE, sender=THEIRS)), "ARP for another's address passed")
    s.close()


@item("CheckIP")
def _(b, name):
    s = b.subject(CheckIP=1)
    need(passes(s, b.witness, arp(MINE)), "an address of its own does not pass")
    need(not passes(s, b.witness, arp(MINE, ip=THEIRS)), "the witness's address passed by ARP")
    need(not passes(s, b.witness, ip4(MINE, mac(THEIRS), UDP, udp(1, 2, b"spoofed"), src=v4(THEIRS))),
         "the witness's address passed by IP")
    s.close()


@item("CheckIPv6")
def _(b, name):
    s = b.subject(CheckIPv6=1)
    need(passes(s, b.witness, ip6(MINE, mac(THEIRS), UDP, udp(1, 2, b"my own"))),
         "an address of its own does not pass")
    need(not passes(s, b.witness, ip6(MINE, mac(THEIRS), UDP, udp(1, 2, b"spoofed"), src=v6(THEIRS))),
         "the witness's address passed")
    claim = bytes((136, 0, 0, 0, 0x20, 0, 0, 0)) + v6(THEIRS) + bytes((2, 1)) + mac(MINE)
    need(not passes(s, b.witness, ip6(MINE, ALL_NODES, ICMP6, claim)),
         "an advertisement of the witness's address passed")
    s.close()


@item("DHCPForce")
def _(b, name):
    s = b.subject(DHCPForce=1)
    frames = sorts(MINE, THEIRS)
    need(not passes(s, b.witness, frames["udp4"]), "an address that nobody gave passed")
    need(passes(s, b.witness, frames["discover"]), "a question to a DHCP server does not pass")
    ack = ip4(THEIRS, mac(MINE), UDP, udp(67, 68, bootp(2, 5, MINE, MINE)))
    need(passes(b.witness, s, ack), "the server's answer does not pass")
    need(passes(s, b.witness, frames["udp4"]), "the address that was given does not pass")
    need(not passes(s, b.witness, arp(MINE, ip=MINE + 1)), "another address passed")
    rows = b.server.rpc().call("EnumIpTable", HubName_str=HUB)["IpTable"]
    need(any(r["DhcpAllocated_bool"] for r in rows), f"no row is marked as given: {rows}")
    s.close()


def count(source, sink, frames, most, what):
    got = len(passing(source, sink, frames))
    need(got == most, f"{got} of {len(frames)} {what} passed instead of {most}")


def stations(n):
    return [ethernet(BROADCAST, mac(0x1000 + i), b"%04d" % i + bytes(50)) for i in range(n)]


def hosts4(n):
    return [arp(MINE, ip=0x1000 + i) for i in range(n)]


def hosts6(n):
    return [ip6(MINE, ALL_NODES, UDP, udp(1, 2, b"%04d" % i), src=v6(0x1000 + i)) for i in range(n)]


@item("NoBridge")
def _(b, name):
    s = b.subject(NoBridge=1)
    count(s, b.witness, stations(20), 8, "MAC addresses")
    s.close()


@item("MaxMac")
def _(b, name):
    s = b.subject(MaxMac=5)
    count(s, b.witness, stations(20), 5, "MAC addresses")
    s.close()


@item("NoRouting")
def _(b, name):
    s = b.subject(NoRouting=1)
    count(s, b.witness, hosts4(20), 4, "IPv4 addresses")
    count(s, b.witness, hosts6(40), 40, "IPv6 addresses")
    s.close()


@item("NoRoutingV6")
def _(b, name):
    s = b.subject(NoRoutingV6=1)
    count(s, b.witness, hosts6(40), 16, "IPv6 addresses")
    count(s, b.witness, hosts4(20), 20, "IPv4 addresses")
    s.close()


@item("MaxIP")
def _(b, name):
    s = b.subject(MaxIP=7)
    count(s, b.witness, hosts4(20), 7, "IPv4 addresses")
    s.close()


@item("MaxIPv6")
def _(b, name):
    s = b.subject(MaxIPv6=3)
    count(s, b.witness, hosts6(20), 3, "IPv6 addresses")
    s.close()


@item("PrivacyFilter")
def _(b, name):
    one, two = b.subject(PrivacyFilter=1), b.subject(PrivacyFilter=1)
    need(passes(one, b.witness, arp(MINE)), "the witness hears nothing")
    need(passes(two, b.witness, arp(MINE + 1)), "the witness hears nothing of the other")
    frames = sorts(MINE, MINE + 1)
    need(not passing(one, two, list(frames.values())), "one of two hears the other")
    need(passes(b.witness, two, arp(THEIRS)), "the witness is not heard")
    one.close()
    two.close()


@item("MonitorPort")
def _(b, name):
    refused(107, lambda: b.login("witness", require_monitor_mode=1))
    m = b.login(b.user(MonitorPort=1), require_monitor_mode=1)
    other = b.subject()
    got = passing(other, m, list(sorts(MINE, THEIRS).values()))
    need(len(got) == len(sorts(MINE, THEIRS)), f"it saw {len(got)} frames")
    need(not passes(m, b.witness, arp(MINE)), "it could send")
    m.close()
    other.close()


@item("NoBroadcastLimiter")
def _(b, name):
    for value in (0, 1):
        s = b.subject(NoBroadcastLimiter=value)
        start, got = time.monotonic(), 0
        for at in range(40):
            s.send(*[ethernet(BROADCAST, mac(MINE), b"storm" + bytes(46))] * 100)
            if at % 5 == 4:  # the witness reads, so that no queue is full
                got += sum(f[14:19] == b"storm" for f in b.witness.frames(0.02))
        seconds = time.monotonic() - start
        got += sum(f[14:19] == b"storm" for f in b.witness.frames(1))
        most = 4000 if value else 2200 + 1000 * seconds
        least = 3900 if value else 1000
        need(least <= got <= most, f"with {name}={value}, {got} of 4000 broadcasts passed")
        s.close()


@item("FixPassword", "NoSavePassword", "Ver3", "NoQoS", "MaxConnection", "TimeOut")
def _(b, name):
    value = {"MaxConnection": 3, "TimeOut": 30}.get(name, 1)
    s = b.login(b.user(**{name: value}), qos=1, max_connection=32)
    w = s.welcome
    need(w.get("policy:" + name) == value, f"the client is told {w.get('policy:' + name)}")
    if name == "MaxConnection":
        need(w["max_connection"] <= 3, f"{w['max_connection']} connections were granted")
    elif name == "TimeOut":
        need(w["timeout"] == 30000, f"the timeout is {w['timeout']}")
    elif name == "NoQoS":
        need(not w.get("qos"), "QoS was granted")
    elif name == "FixPassword":
        try:  # nobody can change a password from a client, with the item or without it
            b.login("witness").call(method="password", hubname=HUB)
        except (Failed, OSError, KeyError, ValueError):
            pass
        else:
            raise Failed("the password could be changed")
    s.close()


@item("MultiLogins")
def _(b, name):
    user = b.user(MultiLogins=2)
    first, second = b.login(user), b.login(user)
    refused(20, lambda: b.login(user))
    first.close()
    second.close()


@item("AutoDisconnect")
def _(b, name):
    s = b.subject(AutoDisconnect=3)
    try:
        for _ in s.frames(8):
            pass
    except (ConnectionError, OSError):
        return
    raise Failed("it was still there after 8 s")


def speed(source, sink, way, size, seconds):
    """Octets that arrive in so many seconds. way: to which machine, from which."""
    frame = ethernet(mac(way[0]), mac(way[1]), b"speed" + bytes(1000))
    for _ in range(size // 1000 // 20):
        source.send(*[frame] * 20)
    return sum(len(f) for f in sink.frames(seconds) if f[14:19] == b"speed")


@item("MaxUpload")
def _(b, name):
    s = b.subject(MaxUpload=400000)
    got = speed(s, b.witness, (THEIRS, MINE), 1000000, 2)
    need(0 < got < 400000, f"{got} octets passed in 2 s at 400 kbit/s")
    s.close()


@item("MaxDownload")
def _(b, name):
    s = b.subject(MaxDownload=400000)
    got = speed(b.witness, s, (MINE, THEIRS), 1000000, 2)
    need(0 < got < 400000, f"{got} octets passed in 2 s at 400 kbit/s")
    s.close()


def lifetime(b, s):
    """The router lifetime that the session sees."""
    b.witness.send(advertisement(THEIRS))
    f = s.wait_frame("the advertisement", lambda f: f[12:14] == b"\x86\xdd" and f[54] == 134, 3)
    need(len(f) == len(advertisement(THEIRS)), "its length has changed")
    need(checksum(f[22:54] + struct.pack(">II", len(f) - 54, ICMP6) + f[54:]) == 0,
         "its checksum is wrong")
    return struct.unpack_from(">H", f, 60)[0]


@item("NoIPv6DefaultRouterInRA")
def _(b, name):
    s, other = b.subject(NoIPv6DefaultRouterInRA=1), b.subject()
    need(lifetime(b, s) == 0, "it has a default router")
    need(lifetime(b, other) == 1800, "another session lost its default router")
    s.close()
    other.close()


@item("NoIPv6DefaultRouterInRAWhenIPv6")
def _(b, name):
    user = b.user(NoIPv6DefaultRouterInRAWhenIPv6=1)
    for address, wanted in ((SRV, 1800), (SRV6, 0)):
        s = b.login(user, address)
        b.meet(s)
        need(lifetime(b, s) == wanted, f"by way of {address} the lifetime is not {wanted}")
        s.close()


@item("VLanId")
def _(b, name):
    s, same = b.login(b.user(VLanId=7)), b.login(b.user(VLanId=7))
    other = b.login(b.user(VLanId=8))
    time.sleep(0.3)
    body = b"in a VLAN" + bytes(50)
    plain = ethernet(BROADCAST, mac(MINE), body)
    tagged = ethernet(BROADCAST, mac(MINE), struct.pack(">HH", 7, OTHER) + body, VLAN)
    s.send(plain)
    b.witness.wait_frame("the tagged frame", lambda f: f == tagged, 3)
    same.wait_frame("the frame without its tag", lambda f: f == plain, 3)
    need(not [f for f in other.frames(0.5) if body in f], "another VLAN heard it")
    need(not passes(s, b.witness, tagged), "a tag of its own passed")
    back = ethernet(BROADCAST, mac(THEIRS), struct.pack(">HH", 7, OTHER) + body, VLAN)
    b.witness.send(back)
    s.wait_frame("the answer", lambda f: f == ethernet(BROADCAST, mac(THEIRS), body), 3)
    need(not [f for f in other.frames(0.5) if body in f], "another VLAN heard the answer")
    need(not passes(b.witness, s, ethernet(BROADCAST, mac(THEIRS), b"no tag" + bytes(50))),
         "a frame without a tag arrived")
    for x in (s, same, other):
        x.close()


# ---- the scenarios ----

@scenario("policy/items", needs=("server",), asan=True, limit=280, takes=90)
def _(t):
    with t.must("server, hub, witness"):
        b = Bench(t)
    with t.check("each item has a check"):
        need(ITEMS and not (wrong := set(ITEMS) ^ set(CHECKS)), f"no check, or no item: {wrong}")
    for name in ITEMS:
        with t.check(name):
            run(b, name)
    with t.check("refusals are in the log, with session, user and item"):
        text = b.server.logs()
        need(re.search(r"user=u\d+ session=SID-U\d+-\d+ .*items=CheckIP", text),
             "no line about CheckIP")
    with t.check("the server ends when told to"):
        b.server.healthy()
        b.server.stop()


@scenario("policy/options", needs=("server",), limit=90, takes=15)
def _(t):
    """Options of the hub, changed while sessions are there, and kept over a restart."""
    with t.must("server, two sessions"):
        b = Bench(t)
        s = b.subject()

    def set_(name, value):
        b.server.ctl("hub", "option", "set", HUB, name, value)

    frames = sorts(MINE, THEIRS)
    with t.check("all 61 are listed, each with what it does"):
        rows = b.server.rpc().call("GetHubExtOptions", HubName_str=HUB)["AdminOptionList"]
        need(len(rows) == 61 and all(r["Descrption_utf"] for r in rows), f"{len(rows)} options")
    for name, forbidden in (("FilterIPv4", V4 + " tagged"), ("FilterIPv6", V6),
                            ("FilterNonIP", "other other-all tagged")):
        with t.check(name):
            set_(name, 1)
            got = passing(s, b.witness, list(frames.values()))
            set_(name, 0)
            for sort, frame in frames.items():
                need((frame in got) == (sort not in forbidden.split()), f"{sort} was judged wrongly")
            need(len(passing(s, b.witness, list(frames.values()))) == len(frames),
                 "without it not all frames pass")
    with t.check("a wrong name and a wrong value are refused"):
        for words in (("NoSuchOption", 1), ("FilterIPv4", 2)):
            code, out = b.server.ctl("hub", "option", "set", HUB, *map(str, words), check=False)
            need(code == 1, f"{words}: {code} {out}")
    with t.check("ip-table: what has sent is there, and can be forgotten"):
        rows = b.server.rpc().call("EnumIpTable", HubName_str=HUB)["IpTable"]
        address = ".".join(map(str, v4(MINE)))
        mine = [r for r in rows if r["IpAddress_ip"] == address and not r["VlanId_u32"]]
        need(mine and mine[0]["SessionName_str"] == s.welcome["session_name"], f"{rows}")
        need(address in b.server.ctl("ip-table", "list", HUB), "not in the list")
        for r in rows:
            b.server.ctl("ip-table", "delete", HUB, str(r["Key_u32"]))
        need(address not in b.server.ctl("ip-table", "list", HUB), "still in the list")
    with t.check("options outlive a restart"):
        set_("FilterOSPF", "on")
        b.server.stop()
        b.server.start()
        rows = b.server.rpc().call("GetHubExtOptions", HubName_str=HUB)["AdminOptionList"]
        need([r["Value_u32"] for r in rows if r["Name_str"] == "FilterOSPF"] == [1], "it is off")
    with t.check("the server ends when told to"):
        b.server.stop()
