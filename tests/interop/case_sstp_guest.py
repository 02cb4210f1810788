# SPDX-License-Identifier: Apache-2.0
"""Linux's sstpc and pppd, in a guest with a kernel that has PPP, as clients of our server.

sstpc hands each octet to pppd through a pseudo terminal, and the guest's system calls are slow:
about 1 MB/s goes, so the bulk is small."""
import time

import guest as guests
import openvpn_peer
import polyether
import traffic
from netlab import LAN, LAN6, SRV, need, wait_until
from registry import built_with_asan, scenario
from softether import HUB, PASSWORD, USER

MB = 1_000_000
REFUSED = 'protocol=SSTP reason="wrong password"'
NAME = f"{USER}@{HUB}"
NEEDS = ("client", "linux.uml", "busybox", "sstpc", "pppd", "tun", "dnsmasq", "iperf3", "openvpn", "dhclient")


def sessions(server):
    return server.rpc().call("EnumSession", HubName_str=HUB)["SessionList"]


def clients(server):
    """Sessions but those of the server's own devices."""
    return [r for r in sessions(server) if r.get("Username_str") in (USER, "frank")]


def setup(t):
    lab = t.lab
    with t.must("server, hub, bridge, DHCP server"):
        server = polyether.Server(lab)
        server.make_hub()
        server.bridge()
        server.add_user("frank", PASSWORD, HUB, "--address4", "10.99.3.77/24")
        traffic.dnsmasq(lab, options=("--enable-ra", "--dhcp-range=fd99:3::,ra-stateless,64"))
    with t.must("the guest boots"):
        guest = guests.Guest(lab)
    return server, guest


def both_ways(t, guest, auth):
    lab = t.lab
    with t.must(f"{auth}: a lease, pings"):
        client = guests.Sstp(guest, NAME, PASSWORD, auth)
        need(client.address.startswith("10.99.3.1"), f"{client.address} is not of the hub's DHCP")
        guest.run("ip", "route", "replace", "10.99.3.0/24", "dev", "ppp0")
        traffic.wait_answer(guest, LAN)
        traffic.pings(guest, LAN)
        traffic.pings(lab.lan, client.address)
    if auth != "mschap-v2":
        with t.check(f"{auth}: the client ends it"):
            client.stop()
        return
    for back in (False, True):
        with t.check(f"{auth}: 5 MB by hash {'to' if back else 'from'} the client"):
            guests.transfer(guest, lab.lan, LAN, 5 * MB, back)
    with t.check(f"{auth}: iperf3 both ways"):
        traffic.iperf_server(lab)
        for way in ((), ("-R",)):
            rate = traffic.iperf(guest, LAN, 2, *way)[0]
            need(rate > 1, f"{rate} Mbit/s")
    with t.check(f"{auth}: IPv6 inside"):
        wait_until("an IPv6 address", lambda: traffic.address6_of(guest, "ppp0", "fd99:3:"), 20)
        guest.run("ip", "-6", "route", "replace", "fd99:3::/64", "dev", "ppp0")
        traffic.wait_answer(guest, LAN6)
        traffic.pings(guest, LAN6)
        guests.transfer(guest, lab.lan, LAN6, 2 * MB)
    with t.check(f"{auth}: the client ends it"):
        client.stop()


def refusals(t, server, guest):
    for auth in ("mschap-v2", "pap"):
        with t.check(f"a wrong password is refused: {auth}"):
            before = server.logs().count(REFUSED)
            client = guests.Sstp(guest, NAME, "wrong", auth, wait=0)
            client.wait_end(30)
            need("authentication failed" in client.log().lower(), client.log()[-2500:])
            wait_until("a word in the server's log", lambda b=before: server.logs().count(
                REFUSED) > b, 5)


def series(t, server, guest):
    with t.check("connects and disconnects leave nothing behind"):
        before = wait_until("no session", lambda: not clients(server) and
                            server.process.rss_kib(), 20)
        end, turns = time.monotonic() + 40, 0
        while time.monotonic() < end and turns < 60:
            guests.Sstp(guest, "frank@" + HUB, PASSWORD).stop()
            turns += 1
        wait_until("the end of the sessions", lambda: not clients(server), 10)
        after = server.process.rss_kib()
        need(turns >= 3, f"only {turns} turns in 40 s")
        need(built_with_asan() or after < before + 2048,
             f"{before} KiB became {after} KiB in {turns} turns")


@scenario("sstp/guest", needs=("server", *NEEDS), limit=420, long=True)
def _(t):
    server, guest = setup(t)
    refusals(t, server, guest)
    both_ways(t, guest, "mschap-v2")
    both_ways(t, guest, "pap")
    with t.check("an address that is the user's own"):
        client = guests.Sstp(guest, "frank@" + HUB, PASSWORD)
        need(client.address == "10.99.3.77", f"it is {client.address}")
        client.stop()
    with t.check("IPv6 outside"):
        client = guests.Sstp(guest, NAME, PASSWORD, server=f"[{guest.server6}]")
        client.stop()
    series(t, server, guest)
    neighbours(t, server, guest)
    with t.check("the client sees the end of the server at once"):
        client = guests.Sstp(guest, NAME, PASSWORD)
        start = time.monotonic()
        server.stop()
        client.wait_end(10)
        need(time.monotonic() - start < 10, "it took too long")


def neighbours(t, server, guest):
    lab = t.lab
    with t.check("clients of SSTP, SE-VPN and OpenVPN reach each other"):
        server.openvpn("--enable", "--udp-ports", "1194", "--default-hub", HUB, "--no-client-cert",
                       "--no-redirect-gateway")
        ca = lab.tmp / "server-ca.crt"
        ca.write_text(server.certificate_pem())
        sstp = guests.Sstp(guest, NAME, PASSWORD)
        guest.run("ip", "route", "replace", "10.99.3.0/24", "dev", "ppp0")
        own = openvpn_peer.Client(lab, lab.add_client(), "10.99.100.1", 1194, "udp", "tun", ca,
                                  (USER, PASSWORD))
        hosts = {guest: sstp.address, own.ns: own.lease()}
        client = polyether.Client(lab)
        client.connect("own", f"{SRV}:443", trust=server.certificate_sha256())
        hosts[lab.cli] = traffic.dhcp(lab, lab.cli, client.device)
        for ns in hosts:
            for address in (a for n, a in hosts.items() if n is not ns):
                traffic.wait_answer(ns, address)
                traffic.pings(ns, address)
        sstp.stop()
        own.stop()
