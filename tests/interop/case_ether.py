# SPDX-License-Identifier: Apache-2.0
"""Ethernet over IPsec: EtherIP and L2TPv3 at our server, and at SoftEther's by the same steps."""
import ether_peer
import guest as guests
import ipsec_peer
import softether
import traffic
from case_ipsec import Ours, no_session, sessions
from ether_peer import Router
from ipsec_peer import Ike
from netlab import LAN, need
from registry import scenario
from softether import HUB, USER

MB = 1_000_000
NEEDS = (*ipsec_peer.NEEDS, *ether_peer.NEEDS)
VLAN = 7


def bridges(lab, router, mine, size=5 * MB):
    """What a cable does: both ways, whole packets, and VLAN tags."""
    space = router.space
    traffic.wait_answer(space, LAN)
    for a, address in ((space, LAN), (lab.lan, mine)):
        traffic.pings(a, address)
        out = a.run("ping", "-c", "20", "-i", "0.05", "-s", "1472", "-M", "do", address, check=False)[1]
        need(" 0% packet loss" in out, f"1500 octets do not pass unharmed:\n{out[-400:]}")
    for back in (False, True):
        guests.transfer(space, lab.lan, LAN, size, back)


def tagged(one, other):
    """Between two routers, since the kernel here may know no VLANs, and theirs does."""
    for i, router in enumerate((one, other)):
        router.space.run("ip", "link", "add", "link", router.device, "name", "vlan", "type", "vlan", "id", VLAN)
        router.space.address("vlan", f"10.99.7.{i + 1}/24")
    traffic.wait_answer(one.space, "10.99.7.2")
    traffic.pings(one.space, "10.99.7.2")
    traffic.pings(other.space, "10.99.7.1")


@scenario("selfcheck/ethernet", needs=("softether-server", *NEEDS), limit=900, long=True, takes=120)
def _(t):
    lab = t.lab
    with t.must("SoftEther's server, the guest"):
        server = softether.Server(lab)
        server.make_hub()
        server.bridge()
        server.ipsec(ipsec_peer.PSK)
        traffic.dnsmasq(lab)
        guest = guests.Guest(lab, delay_ms=0)
    routers = []
    for kind in ("etherip", "l2tpv3"):
        with t.must(f"{kind}: a lease, pings, 5 MB by hash each way"):
            routers.append(Router(guest.space(), kind, {"ike": "aes256-sha1-modp2048", "esp": "aes256-sha1"}))
            bridges(lab, routers[-1], routers[-1].lease())
    with t.check("VLAN tags pass"):
        tagged(*routers)
    for r in routers:
        r.stop()


# -- our server --

COOKIES = ("--cookie", "0102030405060708", "--sublayer")
# Its name, kind, where it differs, options of the program.
ROUTERS = (
    ("EtherIP", "etherip", {}, ()),
    ("EtherIP in tunnel mode, by a name", "etherip", {"mode": "tunnel", "id": "branch.example"}, ()),
    ("L2TPv3", "l2tpv3", {"encap": "yes"}, ()),
    ("L2TPv3 over UDP, with cookie and sublayer", "l2tpv3-udp", {}, COOKIES),
)


@scenario("ipsec/ethernet", needs=("server", *NEEDS), asan_long=True, limit=900, takes=130)
def _(t):
    lab, ours = t.lab, Ours(t, "--ethernet", "on", "--raw-esp", "on")
    server, routers = ours.server, []
    with t.check("a router that is not in the register"):
        ike = Ike(ours.guest.space(), up=False, selectors=ether_peer.ETHERIP)
        ok, said = ike.initiate()
        need(not ok and "INVALID_ID" in said, said)
        ours.wait_log("10.99.4.11.*regist")
        ike.stop()
    server.ctl("router", "add", "10.99.4.*", HUB, USER)
    server.ctl("router", "add", "branch.example", HUB, USER)
    for name, kind, ike, options in ROUTERS:
        with t.must(f"{name}: a lease, 1500 octets, 5 MB by hash each way"):
            routers.append(Router(ours.guest.space(), kind, ike, options))
            bridges(lab, routers[-1], routers[-1].lease())
    with t.check("VLAN tags pass from one to the other"):
        tagged(routers[0], routers[2])
        need(len(sessions(server)) == len(routers), f"{len(sessions(server))} sessions")
    with t.check("they end, and nothing is left"):
        for r in routers:
            r.stop()
        no_session(server, 60)
    ours.end(t)


COOKIE, PEER_COOKIE = "a1a2a3a4a5a6a7a8", "b1b2b3b4"


@scenario("ipsec/l2tpv3", needs=("server", "guest-kernel", "qemu-system-x86_64", *NEEDS), limit=900, long=True,
          takes=300)
def _(t):
    """Linux's own L2TPv3, without a control connection, on a kernel that has it."""
    lab, ours = t.lab, Ours(t, "--ethernet", "on", full=True)
    server, guest = ours.server, ours.guest
    for encap, selectors in (("ip", ether_peer.L2TPV3), ("udp", None)):
        space = guest.space()
        with t.check(f"a static pseudowire over {encap}: a lease, 1500 octets, 2 MB by hash each way"):
            server.ctl("router", "add", space.outer, HUB, USER, "--static-l2tpv3", "10:20", "--local-cookie",
                       COOKIE, "--peer-cookie", PEER_COOKIE)
            router = ether_peer.Static(space, encap, 10, 20, COOKIE, PEER_COOKIE,
                                       {"selectors": selectors} if selectors else {})
            bridges(lab, router, router.lease(), 2 * MB)
            router.stop()
    ours.end(t)
