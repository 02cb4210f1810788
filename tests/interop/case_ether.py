# SPDX-License-Identifier: Apache-2.0
"""Ethernet over IPsec: EtherIP and L2TPv3 at our server, and at SoftEther's by the same steps."""
import ether_peer
import guest as guests
import ipsec_peer
import softether
import traffic
from case_ipsec import Ours, no_session
from ether_peer import Router
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


@scenario("selfcheck/ethernet", needs=("softether-server", *NEEDS), limit=240)
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
