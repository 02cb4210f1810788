# SPDX-License-Identifier: Apache-2.0
"""Linux's sstpc and pppd, in a guest with a kernel that has PPP, as clients of our server.

sstpc hands each octet to pppd through a pseudo terminal, and the guest's system calls are slow:
about 1 MB/s goes, so the bulk is small; sstp/bulk has the large one, by a client of our own."""
import time

import guest as guests
import openvpn_peer
import polyether
import traffic
from netlab import LAN, LAN6, SRV, Failed, need, wait_until
from registry import scenario
from softether import HUB, PASSWORD, USER

MB = 1_000_000
REFUSED = 'protocol=SSTP code=9 reason="wrong password"'
# What pppd hears.
TOLD = {"mschap-v2": "rcvd [CHAP Failure id=0x1 \"E=691 R=0", "pap": "rcvd [PAP AuthNak id=0x1 \"Access denied\"]"}
TURNS = 60
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
        guest = guests.Guest(lab, delay_ms=0)
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
        with t.check(f"{auth}: 3 MB by hash {'to' if back else 'from'} the client"):
            guests.transfer(guest, lab.lan, LAN, 3 * MB, back)
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
            log = client.log()
            need("authentication failed" in log.lower() and TOLD[auth] in log, log[-2500:])
            wait_until("a word in the server's log", lambda b=before: server.logs().count(
                REFUSED) > b, 5)


@scenario("sstp/series", needs=("server", *NEEDS), limit=300, long=True, takes=200)
def _(t):
    """Each turn is some three seconds, nearly all of it the guest's."""
    server, guest = setup(t)
    leases = t.lab.tmp / "dnsmasq.leases"
    with t.must("some first turns, for what is made once"):
        for _ in range(3):
            guests.Sstp(guest, NAME, PASSWORD).stop()
        before = wait_until("no session", lambda: not clients(server) and
                            server.process.rss_kib(), 20)
    with t.check(f"{TURNS} connects and disconnects in a row leave nothing behind"):
        addresses = set()
        for turn in range(TURNS):
            try:
                client = guests.Sstp(guest, NAME, PASSWORD)
                addresses.add(client.address)
                client.stop()
            except Failed as e:
                raise Failed(f"turn {turn + 1}: {e}") from None
        wait_until("the end of the sessions", lambda: not clients(server), 10)
        after = server.process.rss_kib()
        print(f"     | {TURNS} turns, {len(addresses)} address, {before} KiB became {after} KiB", flush=True)
        need(after < before * 1.05 + 512, f"{before} KiB became {after} KiB")
        need(len(addresses) == 1, f"it was given {addresses}")
        wait_until("the end of the lease", lambda: not any(a in leases.read_text() for a in addresses), 5)
    server.healthy()


@scenario("sstp/guest", needs=("server", *NEEDS), limit=420, takes=80)
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
    neighbours(t, server, guest)
    with t.check("the client sees the end of the server at once"):
        client = guests.Sstp(guest, NAME, PASSWORD)
        start = time.monotonic()
        server.stop()
        client.wait_end(10)
        took = time.monotonic() - start
        # Most of it is the guest's own; how slow that is today, its boot tells.
        need(took < 2 * max(1, guest.boot_seconds / 6), f"it took {took:.1f} s")


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
        traffic.each_reaches_each(hosts)
        sstp.stop()
        own.stop()
