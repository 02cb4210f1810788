# SPDX-License-Identifier: Apache-2.0
"""xl2tpd and pppd against the plain port 1701, without IPsec."""
import guest as guests
import ipsec_peer
import polyether
import traffic
from netlab import LAN, need, wait_until
from registry import scenario
from softether import HUB, PASSWORD, USER

MB = 1_000_000
NAME = f"{USER}@{HUB}"
NEEDS = ("linux.uml", "busybox", "xl2tpd", "pppd", "dnsmasq", "iperf3")


def sessions(server):
    rows = server.rpc().call("EnumSession", HubName_str=HUB)["SessionList"]
    return [r for r in rows if r.get("Username_str") == USER]


@scenario("l2tp/plain", needs=NEEDS, limit=300, long=True, takes=90)
def _(t):
    lab = t.lab
    with t.must("server, hub, bridge, DHCP server, guest"):
        server = polyether.Server(lab)
        server.make_hub()
        server.bridge()
        server.ctl("ipsec", "set", "--plain-l2tp", "on")
        traffic.dnsmasq(lab)
        guest = guests.Guest(lab, delay_ms=0)
        space = guest.space()
    for auth in ("mschap-v2", "pap"):
        with t.check(auth):
            client = ipsec_peer.L2tp(space, NAME, auth=auth)
            space.run("ip", "route", "replace", "10.99.3.0/24", "dev", "ppp0")
            traffic.wait_answer(space, LAN)
            traffic.pings(space, LAN)
            traffic.ping_loss(lab.lan, client.address, 1, 0.2, 1400)  # learns the MTU
            traffic.pings(lab.lan, client.address)
            need(sessions(server)[0]["Name_str"].endswith("[L2TP]-1") or auth == "pap", "another name")
            guests.transfer(space, lab.lan, LAN, 5 * MB)
            guests.transfer(space, lab.lan, LAN, 5 * MB, back=True)
            client.stop()
            wait_until("the session's end", lambda: not sessions(server), 10)
    with t.check("a wrong password"):
        client = ipsec_peer.L2tp(space, NAME, password="wrong", wait=0)
        wait_until("pppd's end", lambda: "authentication failed" in client.log(), 20, 0.5)
        need(not client.device_is_there(), "there is a ppp0")
        client.process.stop()
    with t.check("the server stops: the client knows at once"):
        client = ipsec_peer.L2tp(space, NAME)
        server.stop()
        client.wait_end(5)
        client.process.stop()
